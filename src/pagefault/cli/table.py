"""`pagefault table`: tests against designs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pagefault.cli.options import (
    PathType,
    again_option,
    budget_of,
    budget_options,
    core_option,
    jobs_option,
    json_option,
    show,
    write_file,
)

__all__ = ["table"]


@click.command(short_help="Tests against designs: a table of verdicts, and what each design keeps.")
@click.argument("selectors", metavar="[TEST]...", nargs=-1)
@click.option(
    "--design",
    "-d",
    "designs",
    multiple=True,
    metavar="D",
    help="A column: a name, or the path of a design file. May be repeated. Default: the designs "
    "that the tests make claims about.",
)
@click.option("--all", "all_designs", is_flag=True, help="A column for every design.")
@click.option(
    "--grain",
    type=click.Choice(["op", "step", "both"]),
    default="both",
    show_default=True,
    help="Switch tasks after each statement (op), or at each switch point of the kernel (step).",
)
@core_option
@json_option
@click.option(
    "--html",
    type=PathType(dir_okay=False, written=True),
    metavar="FILE",
    help="Write a page as well: each cell shows its source, or the command for its trace.",
)
@jobs_option
@again_option
@budget_options
def table(
    selectors: tuple[str, ...],
    designs: tuple[str, ...],
    all_designs: bool,
    grain: str,
    core: bool,
    as_json: bool,
    html: Path | None,
    jobs: int | None,
    again: bool,
    max_states: int,
    max_seconds: float,
    max_memory: int,
    disk: Path | None,
    cores: int,
    reduce: bool,
) -> int:
    """Search each TEST under the designs and print the verdicts as a table.

    TEST is a name, a list such as cow, a family such as cow/, a glob, a file or a folder; without
    any, the catalogue.
    Below the table stands for each design which promises it kept in these tests, which it broke
    and where, and which functions of the kernel it replaces; then who says what each test claims.
    A cell that nobody makes a claim about is marked, and `pagefault explain` shows its trace.

    Exit code: 0 all as claimed, 1 a surprise, 2 an error, 3 a budget ended (Unknown), 4 nothing
    to do.
    """
    from pagefault.cli import tabulating
    from pagefault.cli.options import all_columns
    from pagefault.report.table import table_html, table_text

    if all_designs and designs:
        raise click.UsageError("--all is every design: leave --design out")
    columns = all_columns() if all_designs else designs
    budget = budget_of(max_states, max_seconds, max_memory, disk)
    document, code = tabulating.run(
        tabulating.Request(selectors, columns, grain, core, jobs, budget, cores, reduce, again)
    )
    text = json.dumps(document, indent=1) if as_json else table_text(document)
    show(text, None if html is None else lambda: write_file(html, table_html(document)))
    return code
