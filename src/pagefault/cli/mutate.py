"""`pagefault mutate`: does the catalogue notice what is left out of the kernel?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pagefault.cli.options import jobs_option, json_option

if TYPE_CHECKING:
    from pagefault.mutate import Verdict

__all__ = ["mutate"]

MAX_STATES = 20_000


@click.command(short_help="Leave out a flush or a lock at a time: which test notices?")
@click.argument("selectors", metavar="[TEST]...", nargs=-1)
@click.option(
    "--function",
    "functions",
    multiple=True,
    metavar="F",
    help="Mutate this function of mm/ or hw/ only. May be repeated.",
)
@json_option
@jobs_option
@click.option(
    "--max-states",
    type=click.IntRange(min=1),
    default=MAX_STATES,
    show_default=True,
    metavar="N",
    help="Leave out tests of more states, and give up on one under a mutant after so many.",
)
def mutate(
    selectors: tuple[str, ...],
    functions: tuple[str, ...],
    as_json: bool,
    jobs: int | None,
    max_states: int,
) -> int:
    """Delete each flush, count, guard, lock and recheck of the model, one at a time, and run the
    TESTs that make a claim about mainline on what is left, until one surprises.

    TEST is as for `pagefault check`; without any, the catalogue. A mutant that no test notices has
    SURVIVED: either nobody can tell it from the kernel, or a test is missing (docs/mutation.md).

    Exit code: 0, or 2 for an error.
    """
    from pagefault.cli.running import default_workers
    from pagefault.lang import select
    from pagefault.link import link
    from pagefault.mutate import mutants, plan, run
    from pagefault.mutate.trials import DESIGN

    todo = mutants(link(DESIGN), functions)
    trials = plan(select(selectors), max_states)
    verdicts = []
    for verdict in run(todo, trials, max_states, jobs or default_workers()):
        verdicts.append(verdict)
        if not as_json:
            click.echo(_line(verdict))
        if len(verdicts) % 10 == 0 or len(verdicts) == len(todo):
            click.echo(f"{len(verdicts)}/{len(todo)} mutants", err=True)
    if as_json:
        click.echo(json.dumps(_document(verdicts), indent=1))
    else:
        click.echo(f"\n{_summary(verdicts)}")
    return 0


def _line(verdict: Verdict) -> str:
    mutant = verdict.mutant
    place = f"{mutant.file}:{mutant.line}"
    if verdict.is_caught:
        end = f"{verdict.test} ({verdict.grain}): {', '.join(verdict.by)}"
    else:
        end = click.style("SURVIVED", fg="red", bold=True) + f" {_tests(verdict.tried)}"
    return f"{place}  {mutant.kind:<8}  {mutant.name}\n    {end}"


def _tests(tried: int) -> str:
    return f"{tried} {'test' if tried == 1 else 'tests'}" if tried else "no test calls it"


def _summary(verdicts: Sequence[Verdict]) -> str:
    caught = sum(verdict.is_caught for verdict in verdicts)
    return f"caught {caught} of {len(verdicts)}"


def _document(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """The JSON document of a mutation run (docs/json.md)."""
    from pagefault.report.story import SCHEMA

    return {
        "schema": SCHEMA,
        "kind": "mutate",
        "caught": sum(verdict.is_caught for verdict in verdicts),
        "mutants": [
            {
                "file": verdict.mutant.file,
                "line": verdict.mutant.line,
                "function": verdict.mutant.function,
                "kind": verdict.mutant.kind,
                "name": verdict.mutant.name,
                "deleted": verdict.mutant.deleted,
                "tried": verdict.tried,
                "caught": None
                if not verdict.is_caught
                else {"test": verdict.test, "grain": verdict.grain, "by": list(verdict.by)},
            }
            for verdict in verdicts
        ],
    }
