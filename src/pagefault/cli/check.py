"""`pagefault check`: is it as claimed?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from pagefault.cli.options import (
    again_option,
    budget_of,
    budget_options,
    core_option,
    jobs_option,
    json_option,
)

__all__ = ["check"]


@click.command(short_help="Is it as claimed? A verdict line per test and design.")
@click.argument("selectors", metavar="[TEST]...", nargs=-1)
@click.option(
    "--design",
    "-d",
    "designs",
    multiple=True,
    metavar="D",
    help="Check under this design: a name, or the path of a design file. May be repeated.",
)
@click.option(
    "--grain",
    type=click.Choice(["op", "step", "both"]),
    help="Switch tasks after each statement (op), or at each switch point of the kernel (step).",
)
@click.option(
    "--property",
    "properties",
    multiple=True,
    metavar="P",
    help="Judge this property only. May be repeated.",
)
@core_option
@json_option
@jobs_option
@again_option
@budget_options
def check(
    selectors: tuple[str, ...],
    designs: tuple[str, ...],
    grain: str | None,
    properties: tuple[str, ...],
    core: bool,
    as_json: bool,
    jobs: int | None,
    again: bool,
    max_states: int,
    max_seconds: float,
    max_memory: int,
    disk: Path | None,
    cores: int,
    reduce: bool,
) -> int:
    """Search every schedule of each TEST and compare with what the test claims.

    TEST is a name, a list such as cow, a family such as cow/, a glob, a file, a folder, or - for
    standard input;
    without any, the catalogue. Each test runs under every design that it makes a claim about, or
    under those that --design names; a design without a claim gets a verdict and no judgement.

    \b
    Observation NAME Never|Sometimes|Always POS NEG
        the final states that satisfy the condition, and those that do not

    Exit code: 0 all as claimed, 1 a surprise, 2 an error, 3 a budget ended (Unknown), 4 nothing
    to do.
    """
    from pagefault.cli import checking

    tests = checking.entries(selectors, core)
    jobs_to_do = checking.plan(
        tests,
        designs,
        grain,
        properties,
        budget_of(max_states, max_seconds, max_memory, disk),
    )
    jobs_to_do = [replace(job, cores=cores, reduce=reduce) for job in jobs_to_do]
    return checking.run(jobs_to_do, as_json, jobs, tests, grain, again=again)
