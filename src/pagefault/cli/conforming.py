"""What `pagefault conform` does: kernels one after another, then what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import click

from pagefault.cli.backends import backend_of
from pagefault.cli.checking import progress_bar
from pagefault.conform.database import Database
from pagefault.conform.known import SHIPPED, load_known
from pagefault.conform.rows import Row
from pagefault.conform.run import Side, conform, design_for
from pagefault.conform.text import KernelInfo, Report
from pagefault.lang import Program, select
from pagefault.lang.generate import generate
from pagefault.lang.printing import format_program
from pagefault.lang.shrink import shrink
from pagefault.link import link
from pagefault.live.statements import MODEL_ONLY
from pagefault.report.story import SCHEMA
from pagefault.store import default_path

__all__ = ["Order", "run"]

DIFFERENCE, SKIPPED = 1, 4

MOST_SHRUNK = 3
"""So many kinds of differences of random programs are shrunk."""

CLASSIC = "classic-lru"
"""The part of a kernel without the multi-generational LRU."""

MOST_LISTED = 100
"""The table of more tests has totals only."""


@dataclass(frozen=True)
class Order:
    """What the command line asks for."""

    selectors: tuple[str, ...]
    kernels: tuple[str, ...]
    design: str | None
    generated: int | None
    seed: int
    tasks: int
    statements: int
    huge: bool
    most: int
    again: bool
    database: Path | None
    keep: bool
    known: Path | None
    form: str
    jobs: int
    risk_host: bool


def run(order: Order) -> int:
    """Ask, print, and return the exit code."""
    known = load_known(order.known or SHIPPED)
    sides = [_side(kernel, order) for kernel in order.kernels]
    programs = None if order.generated else [entry.program for entry in select(order.selectors)]
    number = order.generated or len(programs or ())
    rows: list[Row] = []
    with (
        Database(order.database or default_path()) if order.keep else nullcontext() as database,
        progress_bar(number * len(sides)) as (advance, note),
    ):
        for side in sides:
            note(side.backend.name)
            work = _random(order) if programs is None else programs
            for row in conform(work, side, order.most, database, order.again):
                rows.append(row)
                advance()
    report = Report([_info(side, rows) for side in sides], rows, known)
    _print(report, order)
    if order.generated and order.form == "text":
        for side in sides:
            _print_shrunk(report, side, order)
    if report.surprises:
        return DIFFERENCE
    return 0 if any(not row.skip for row in rows) else SKIPPED


def _side(kernel: str, order: Order) -> Side:
    backend = backend_of(kernel, order.jobs, order.risk_host)
    if order.design:
        return Side(backend, link(order.design))
    design = design_for(backend.release)
    return Side(backend, link(design), link(f"{design}+{CLASSIC}"))


def _info(side: Side, rows: Iterable[Row]) -> KernelInfo:
    """What the kernel turned out to be held against."""
    name = side.backend.name
    held = (row.design for row in rows if row.kernel == name and not row.skip)
    return KernelInfo(name, side.backend.release, next(held, side.kernel.name))


def _random(order: Order) -> Iterator[Program]:
    for seed in range(order.seed, order.seed + (order.generated or 0)):
        yield _generated(seed, order)


def _generated(seed: int, order: Order) -> Program:
    made = generate(
        seed,
        tasks=order.tasks,
        statements=order.statements,
        without=frozenset(MODEL_ONLY),
        huge=order.huge,
    )
    return replace(made, name=f"generated-{seed}")


def _print(report: Report, order: Order) -> None:
    if order.form == "json":
        document = {"schema": SCHEMA, "kind": "conform", **report.document()}
        click.echo(json.dumps(document, indent=1))
        return
    lines = report.tap() if order.form == "tap" else _text(report)
    click.echo("\n".join(lines))


def _text(report: Report) -> list[str]:
    lines = [
        f"Kernel {kernel.name}: {kernel.release}, held against {kernel.design}"
        for kernel in report.kernels
    ]
    tests = {row.test for row in report.rows}
    lines += [*report.details(), "", *report.table(len(tests) <= MOST_LISTED)]
    if skips := report.skips():
        lines += ["", *skips]
    lines += [f"a known difference that was not seen here: {e.id}" for e in report.unused]
    totals = [report.totals(kernel.name) for kernel in report.kernels]
    agreed, schedules = (sum(t[key] for t in totals) for key in ("agreed", "schedules"))
    unexplained = sum(t["unexplained"] for t in totals)
    lines += ["", f"{agreed} of {schedules} schedules agree; {unexplained} unexplained differences"]
    return lines


# --- random programs that differ ------------------------------------------------------------------


def _print_shrunk(report: Report, side: Side, order: Order) -> None:
    """The smallest programs that show the first few kinds of unexplained differences."""
    shown: set[tuple[str, str]] = set()
    for row in report.surprises:
        kind = _kind(report, row)
        if row.kernel != side.backend.name or kind in shown or len(shown) == MOST_SHRUNK:
            continue
        shown.add(kind)
        program = _generated(int(row.test.rpartition("-")[2]), order)
        if any(finding.crashed for finding in row.findings):
            # Each trial would be a boot.
            click.echo(f"\n# {row.test}, of which the kernel died:\n")
        else:
            program = shrink(program, _Differ(report, side, order, kind))
            click.echo(f"\n# The smallest program with the difference of {row.test}:\n")
        click.echo(format_program(program), nl=False)


@dataclass(frozen=True)
class _Differ:
    """Which of some programs show an unexplained difference of this kind."""

    report: Report
    side: Side
    order: Order
    kind: tuple[str, str]

    def __call__(self, programs: Sequence[Program]) -> list[bool]:
        rows = conform(programs, self.side, self.order.most)
        return [self.kind in _kinds(self.report, row) for row in rows]


def _kind(report: Report, row: Row) -> tuple[str, str]:
    return next(iter(_kinds(report, row)))


def _kinds(report: Report, row: Row) -> Iterable[tuple[str, str]]:
    """Differences of one kind begin with the same verb, and at the same sort of place."""
    found: dict[tuple[str, str], None] = {}
    for finding in report.unexplained(row):
        verb = finding.statement.partition(": ")[2].partition("(")[0].rpartition(" ")[2]
        place = finding.differences[0].place
        found[verb, _sort(place)] = None
    return found


def _sort(place: str) -> str:
    """What sort of place it is: a register, a frame, a signal, a cell, or the schedule's end."""
    what = place.partition(":")[2]
    if what in ("", "signal"):
        return what
    if what.startswith("r") and what[1:].isdigit():
        return "register"
    return "frame" if what.endswith("@") else "cell"
