"""`pagefault diff`: a design as the functions that it replaces."""

from __future__ import annotations

import difflib
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pagefault.link import Function, SourceDiff

__all__ = ["diff"]

SIDE_BY_SIDE = 110
"""Columns of the terminal from which two columns of code are readable."""


@click.command(short_help="Two designs, as the functions that differ.")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--width",
    type=click.IntRange(min=40),
    metavar="COLUMNS",
    help=f"Side by side from {SIDE_BY_SIDE} columns on, else unified. Default: the terminal's; "
    "80 where there is none.",
)
def diff(a: str, b: str, width: int | None) -> None:
    """Print the functions that design A and design B have differently, and only those.

    A and B are names of designs or paths of design files; `pagefault diff mainline D` shows all
    that design D is.
    """
    from pagefault.link import link
    from pagefault.link.kernel import link_source_diff

    kernels = link(a), link(b)
    found = link_source_diff(*kernels)
    if width is None:
        width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else 80
    for kernel in kernels:
        click.echo(f"{kernel.name}: {kernel.idea}")
    if not found:
        click.echo("\nno function differs")
    for change in found:
        click.echo()
        lines = _side_by_side(change, width) if width >= SIDE_BY_SIDE else _unified(change)
        for line in lines:
            click.echo(line)


def _place(function: Function | None) -> str:
    return "nothing" if function is None else f"{function.home}:{function.line}"


def _source(function: Function | None) -> list[str]:
    return [] if function is None else function.source.rstrip().split("\n")


def _unified(change: SourceDiff) -> Iterator[str]:
    """The whole function, with - and + at the lines that differ."""
    colours = {"-": "red", "+": "green"}
    yield click.style(f"--- {change.name}: {_place(change.a)}", bold=True)
    yield click.style(f"+++ {change.name}: {_place(change.b)}", bold=True)
    for line in difflib.ndiff(_source(change.a), _source(change.b)):
        if line[0] != "?":
            text = f"{line[0]}{line[2:]}".rstrip()
            yield click.style(text, fg=colours[line[0]]) if line[0] in colours else text


def _side_by_side(change: SourceDiff, width: int) -> Iterator[str]:
    """Two columns; the lines that differ are marked with < or > or |."""
    half = (width - 3) // 2
    left, right = _source(change.a), _source(change.b)

    def row(x: str, mark: str, y: str) -> str:
        text = f"{_cut(x, half):<{half}} {mark} {_cut(y, half)}".rstrip()
        return click.style(text, fg="yellow") if mark != " " else text

    yield click.style(row(f"{change.name}: {_place(change.a)}", " ", _place(change.b)), bold=True)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        for k in range(max(i_end - i, j_end - j)):
            x = left[i + k] if i + k < i_end else None
            y = right[j + k] if j + k < j_end else None
            mark = "<" if y is None else ">" if x is None else " " if x == y else "|"
            yield row(x or "", mark, y or "")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
