"""`pagefault explain`: a shortest trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pagefault.cli.options import budget_of, budget_options, json_option, one_test

if TYPE_CHECKING:
    from pagefault.explore.paths import Result, Trace
    from pagefault.lang import Program

__all__ = ["explain"]

SURPRISE, UNKNOWN = 1, 3


@click.command(short_help="A shortest trace of what breaks, a column per task.")
@click.argument("test", metavar="TEST")
@click.option(
    "--design",
    "-d",
    default="mainline",
    show_default=True,
    metavar="D",
    help="A design's name, or the path of a design file.",
)
@click.option(
    "--grain",
    type=click.Choice(["op", "step"]),
    help="Switch tasks after each statement (op), or at each switch point of the kernel (step). "
    "Without it, as the test claims, else op.",
)
@click.option(
    "--property", "prop", metavar="P", help="Show how this property breaks, not another one."
)
@json_option
@budget_options
def explain(
    test: str,
    design: str,
    grain: str | None,
    prop: str | None,
    as_json: bool,
    max_states: int,
    max_seconds: float,
    max_memory: int,
    disk: Path | None,
    cores: int,
    reduce: bool,
) -> int:
    """Print the shortest trace of TEST that shows what is wrong, in plain text for a mail.

    If a property breaks, the trace shows that; else a final state that satisfies the condition;
    else, one that does not. TEST is a test's name, the path of a litmus file, or - for standard
    input.

    Exit code: 0, 1 if the model itself ran into an impossible situation, 2 an error, 3 the budget
    ended before there was anything to show.
    """
    from pagefault.cli.running import Job, run_one, shown_name
    from pagefault.report.story import SCHEMA, result_document, trace_document
    from pagefault.report.text import result_text, trace_text

    program = one_test(test, "explain")
    shown = shown_name(design)
    job = Job(
        program=program,
        design=design,
        grain=grain or _claimed_grain(program, shown),
        claim=None,
        properties=(prop,) if prop else None,
        budget=budget_of(max_states, max_seconds, max_memory, disk),
        shown=shown,
        cores=cores,
        reduce=reduce,
    )
    result = run_one(job).result
    trace = _trace(result, prop)
    if as_json:
        document = result_document(result) if trace is None else trace_document(result, trace)
        click.echo(json.dumps({"schema": SCHEMA, "kind": "trace", **document}, indent=1))
    elif trace is None:
        click.echo(result_text(result_document(result), prop), nl=False)
    else:
        click.echo(trace_text(trace_document(result, trace)), nl=False)
    if result.bugs:
        return SURPRISE
    return UNKNOWN if trace is None and not result.complete else 0


def _claimed_grain(program: Program, design: str) -> str:
    """The grain of the test's claim about this design; the coarse one if it claims both."""
    for claim in program.header.expect:
        if claim.design == design:
            return claim.grains[0]
    return "op"


def _trace(result: Result, prop: str | None) -> Trace | None:
    if prop is not None:
        return result.breaches.get(prop)
    broken = [result.breaches[name] for name in result.bugs or result.breaches]
    if broken:
        return min(broken, key=lambda trace: len(trace.steps))
    return result.witness or result.counterexample
