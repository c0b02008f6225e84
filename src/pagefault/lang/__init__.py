"""The litmus language: text to program and back, and the catalogue. It knows nothing of the model.

`parse` and `load` give a `Program` or raise LitmusError; docs/grammar.md describes the language.
"""

from pagefault.lang.catalogue import Entry, catalogue, catalogue_root, listed, lists, select
from pagefault.lang.parse import load, parse
from pagefault.lang.printing import format_condition, format_program, format_statement
from pagefault.lang.program import (
    And,
    Arg,
    Atom,
    Cell,
    Code,
    Condition,
    Expectation,
    Expr,
    Header,
    Int,
    Memory,
    Mirror,
    Name,
    Not,
    Or,
    Page,
    Pin,
    Pipe,
    Program,
    Range,
    Register,
    Signal,
    Statement,
    Task,
    Words,
)

format = format_program  # noqa: A001  the name that goes with parse

__all__ = [
    "And",
    "Arg",
    "Atom",
    "Cell",
    "Code",
    "Condition",
    "Entry",
    "Expectation",
    "Expr",
    "Header",
    "Int",
    "Memory",
    "Mirror",
    "Name",
    "Not",
    "Or",
    "Page",
    "Pin",
    "Pipe",
    "Program",
    "Range",
    "Register",
    "Signal",
    "Statement",
    "Task",
    "Words",
    "catalogue",
    "catalogue_root",
    "format",
    "format_condition",
    "format_program",
    "format_statement",
    "listed",
    "lists",
    "load",
    "parse",
    "select",
]
