"""From a text or a file to a program."""

from __future__ import annotations

from pathlib import Path

from pagefault.lang._text import read, source_of
from pagefault.lang.check import check
from pagefault.lang.header import parse_header
from pagefault.lang.program import Program
from pagefault.lang.syntax import syntax

__all__ = ["load", "parse"]


def parse(text: str, path: str | Path | None = None) -> Program:
    """The program of a litmus text; LitmusError, with the place in the text, if there is none.

    `path` is for messages and gives the program its name (the file's stem).
    """
    where = None if path is None else Path(path)
    source = source_of(text, where)
    header_text, body, end = source.split()
    header = parse_header(source, header_text, end)
    items = syntax(source, body)
    return check(source, where.stem if where else "", header, items, where)


def load(path: str | Path) -> Program:
    """The program in a litmus file; LitmusError if it can't be read or does not make sense."""
    return parse(read(Path(path)), path)
