"""Options that several verbs share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pagefault.explore.search import Budget
    from pagefault.lang import Entry, Program

__all__ = [
    "NumberType",
    "PathType",
    "again_option",
    "all_columns",
    "budget_of",
    "budget_options",
    "columns_for",
    "core_option",
    "jobs_option",
    "json_option",
    "one_test",
    "plot_option",
    "show",
    "write_file",
]

F = TypeVar("F", bound=Callable[..., Any])


class PathType(click.Path):
    """A path as click has it, but that it has a name; `written` when all is done, its folder must
    be there before."""

    def __init__(self, *, written: bool = False, **options: Any) -> None:
        super().__init__(**options, writable=written)
        self.written = written

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Path:
        """The path. BadParameter if it cannot be."""
        if not str(value):
            self.fail("it has no name", param, context)
        path = Path(os.fsdecode(super().convert(value, param, context)))
        if self.written and not path.parent.is_dir():
            self.fail(f"there is no folder {str(path.parent)!r}", param, context)
        return path


class NumberType(click.FloatRange):
    """A number of a range: nan is in none, though no comparison says so."""

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> float:
        """The number. BadParameter if it is none."""
        number: float = super().convert(value, param, context)
        if math.isnan(number):
            self.fail("nan is not a number", param, context)
        return number


def write_file(path: Path, text: str) -> None:
    """Write it. PagefaultError, with the file's name, if there is no room for it."""
    from pagefault.errors import PagefaultError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PagefaultError(f"{path}: error: {error.strerror or error}") from None


def show(text: str, write: Callable[[], None] | None = None) -> None:
    """Print what was found, and write files as well: where one fails, the other is there."""
    try:
        if write is not None:
            write()
    finally:
        click.echo(text)


def _can_plot(context: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
    """Asked before anything is measured."""
    if file is not None:
        from pagefault.cost.plot import can_plot

        can_plot(file)
    return file


MAX_STATES = 5_000_000
MAX_SECONDS = 600.0
MAX_MEMORY = 4096


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document (docs/json.md)."
)
plot_option = click.option(
    "--plot",
    type=PathType(dir_okay=False, written=True),
    callback=_can_plot,
    metavar="FILE",
    help="Draw it as well: FILE.svg, FILE.png. Needs matplotlib.",
)
jobs_option = click.option(
    "--jobs", "-j", type=click.IntRange(min=1), metavar="N", help="Processes at a time."
)
again_option = click.option(
    "--again",
    is_flag=True,
    envvar="PAGEFAULT_AGAIN",
    help="Search again what an earlier run found out and nothing has changed since.",
)
core_option = click.option(
    "--core", is_flag=True, help="Of these tests, the core of the catalogue (litmus/core.txt)."
)


def budget_options(function: F) -> F:
    """`--max-states`, `--max-seconds` and `--max-memory`, for each test and design; `--cores` and
    `--reduce`, which make a large search faster; and `--disk`, which makes room for it."""
    for option in (
        click.option(
            "--reduce",
            is_flag=True,
            help="In a large search, take steps alone that no other task and no promise can tell: "
            "fewer states, the same verdicts.",
        ),
        click.option(
            "--cores",
            type=click.IntRange(min=1, max=64),
            default=1,
            show_default=True,
            metavar="N",
            help="Search a large state space on so many cores.",
        ),
        click.option(
            "--disk",
            type=PathType(exists=True, file_okay=False, written=True),
            metavar="DIR",
            help="Keep the states of a large search in files there, which may hold more than "
            "memory does: --max-memory is then about the files.",
        ),
        click.option(
            "--max-memory",
            type=click.IntRange(min=1),
            default=MAX_MEMORY,
            show_default=True,
            metavar="MB",
            help="Give up on a test when its states fill so much memory.",
        ),
        click.option(
            "--max-seconds",
            type=NumberType(min=0),
            default=MAX_SECONDS,
            show_default=True,
            metavar="S",
            help="Give up on a test after so many seconds.",
        ),
        click.option(
            "--max-states",
            type=click.IntRange(min=1),
            default=MAX_STATES,
            show_default=True,
            metavar="N",
            help="Give up on a test after so many states: its verdict is Unknown then.",
        ),
    ):
        function = option(function)
    return function


def budget_of(max_states: int, max_seconds: float, max_memory: int, disk: Path | None) -> Budget:
    """The budget that the options name."""
    from pagefault.explore.search import Budget

    return Budget(states=max_states, seconds=max_seconds, megabytes=max_memory, disk=disk)


def all_columns() -> list[str]:
    """The designs that are whole kernels."""
    from pagefault.link import designs

    return [info.name for info in designs() if not info.is_part]


def columns_for(tests: Iterable[Entry]) -> list[str]:
    """What a table shows when nobody names a design: the whole kernels that the tests make claims
    about, or all of them where there is no claim."""
    claimed = {claim.design for entry in tests for claim in entry.program.header.expect}
    return [name for name in all_columns() if name in claimed] or all_columns()


def one_test(selector: str, verb: str) -> Program:
    """The test that the selector names. LitmusError if it names none, or several."""
    from pagefault.errors import LitmusError
    from pagefault.lang import select

    entries = select([selector])
    if len(entries) != 1:
        names = ", ".join(entry.name for entry in entries[:4])
        raise LitmusError(
            f"{selector!r} is {len(entries)} tests, and {verb} shows one",
            hint=f"name one of them: {names}" + (", ..." if len(entries) > 4 else ""),
        )
    return entries[0].program
