"""What a litmus text means: frozen dataclasses, and nothing that runs.

Two programs are equal when they mean the same: places in the text (`line`, `column`, `text`,
`path`) take no part in comparisons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from pagefault.errors import Place
from pagefault.verdict import Verdict

__all__ = [
    "And",
    "Arg",
    "Atom",
    "Cell",
    "Code",
    "Condition",
    "Expectation",
    "Expr",
    "File",
    "FileCell",
    "FileName",
    "Header",
    "Int",
    "Kind",
    "Memory",
    "Mirror",
    "Name",
    "Not",
    "Or",
    "Page",
    "Pin",
    "Pipe",
    "Program",
    "Quantifier",
    "Range",
    "Register",
    "Signal",
    "Statement",
    "Task",
    "Words",
    "is_true",
]

Kind: TypeAlias = Literal["process", "thread", "device"]
Quantifier: TypeAlias = Literal["exists", "~exists", "forall"]


# Arguments of a statement.


@dataclass(frozen=True)
class Range:
    """The pages from `first` to `last`, both included, in the order of `Program.pages`."""

    first: str
    last: str


@dataclass(frozen=True)
class Page:
    """One page, as an address."""

    name: str


@dataclass(frozen=True)
class Cell:
    """One content cell of a page: `A[2]`; `index` is 0 to 3."""

    page: str
    index: int


@dataclass(frozen=True)
class Words:
    """Words that stand for bits: `group` is one of `verbs.WORDS`."""

    group: str
    words: frozenset[str]


@dataclass(frozen=True)
class Name:
    """A task that a statement names: a child, or the process whose memory is meant."""

    task: str


@dataclass(frozen=True)
class Pin:
    """A pin; `cell` is None where the verb is about the whole page."""

    name: str
    cell: int | None = None


@dataclass(frozen=True)
class Pipe:
    """A pipe; `cell` is None where the verb is about the whole page."""

    name: str
    cell: int | None = None


@dataclass(frozen=True)
class Mirror:
    """A device or guest that follows an address space."""

    name: str


@dataclass(frozen=True)
class FileName:
    """A file as a whole."""

    name: str


@dataclass(frozen=True)
class FileCell:
    """A cell of a file: its pages follow each other, four cells each."""

    name: str
    offset: int


@dataclass(frozen=True)
class Int:
    """A number."""

    value: int


@dataclass(frozen=True)
class Register:
    """A litmus register of a task: `r0` to `r7`."""

    task: str
    name: str

    @property
    def index(self) -> int:
        """0 to 7."""
        return int(self.name[1:])


Arg: TypeAlias = (
    Range | Page | Cell | Words | Name | Pin | Pipe | Mirror | FileName | FileCell | Int | Register
)


@dataclass(frozen=True)
class Statement:
    """One step of a task at grain "op": a system call, an access, or a DMA transfer.

    `args` are in the order in which the kernel path takes them (see `verbs.VERBS`), whether the
    text has them left of the `=` or in the parentheses. `text` is the statement as `format` prints
    it; `line` and `column` count from 1.
    """

    verb: str
    args: tuple[Arg, ...]
    dest: Register | None = None
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class Task:
    """A process, a thread or a device.

    `parent` is the task that forks or clones it, None if it is there from the start; `cpu` is the
    CPU that the text binds it to, None if any.
    """

    name: str
    kind: Kind
    parent: str | None
    cpu: int | None
    statements: tuple[Statement, ...]
    line: int = field(default=0, compare=False)


# The condition: a question about a final state.


@dataclass(frozen=True)
class Memory:
    """A cell as a task sees it at the end: `P:A[0]`."""

    task: str
    page: str
    cell: int


@dataclass(frozen=True)
class Signal:
    """The last signal that a task got: `P:signal`; 0 if none."""

    task: str


@dataclass(frozen=True)
class Code:
    """A named value: an errno (a register holds its negative) or a signal."""

    name: str

    @property
    def is_signal(self) -> bool:
        """Whether it is a signal and not an errno."""
        return self.name.startswith("SIG")


@dataclass(frozen=True)
class Atom:
    """`left = right`, or `left != right` if not `equal`."""

    left: Register | Memory | Signal
    right: Int | Code
    equal: bool = True


@dataclass(frozen=True)
class Not:
    """`~ operand`."""

    operand: Expr


@dataclass(frozen=True)
class And:
    r"""All of `operands` (two or more): `a /\ b`."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True)
class Or:
    r"""One of `operands` (two or more) at least: `a \/ b`."""

    operands: tuple[Expr, ...]


Expr: TypeAlias = Atom | Not | And | Or


def is_true(expr: Expr, holds: Callable[[Atom], bool]) -> bool:
    """Whether an expression is true where `holds` tells it of its atoms."""
    match expr:
        case Atom():
            return holds(expr)
        case Not(operand):
            return not is_true(operand, holds)
        case And(operands):
            return all(is_true(e, holds) for e in operands)
        case Or(operands):
            return any(is_true(e, holds) for e in operands)


@dataclass(frozen=True)
class Condition:
    """A quantifier over the final states and an expression about one of them."""

    quantifier: Quantifier
    expr: Expr


# The header.


@dataclass(frozen=True)
class Expectation:
    """What a design is claimed to answer.

    `grains` are those that the claim is about; `breaks` names the properties that the design breaks
    (empty: every promised property holds). Whether there is such a design or property is not
    checked here: `at` and `breaks_at` are where the text names them.
    """

    design: str
    verdict: Verdict
    grains: tuple[str, ...]
    breaks: tuple[str, ...] = ()
    by: str | None = None
    why: str | None = None
    at: Place = field(default=Place(), compare=False)
    breaks_at: Place = field(default=Place(), compare=False)


@dataclass(frozen=True)
class Header:
    """The TOML between the `+++` lines.

    `danger` is what the test may do to a real kernel that a test should not do.
    """

    title: str
    source: str
    author: str | None = None
    requires: tuple[str, ...] = ()
    danger: str | None = None
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True)
class File:
    """A file, full of zeros at the beginning and as long as its longest mapping; `kind` is a word
    of the language."""

    name: str
    kind: str
    nr_pages: int


@dataclass(frozen=True)
class Program:
    """A litmus test.

    `pages`, `pins`, `pipes` and `mirrors` are names, and `files` have one; the position in the
    tuple is the number that the model uses. `pages` stand in the order in which the text maps them
    first.
    """

    name: str
    title: str
    source: str
    tasks: tuple[Task, ...]
    pages: tuple[str, ...]
    pins: tuple[str, ...]
    pipes: tuple[str, ...]
    condition: Condition
    header: Header
    mirrors: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    path: Path | None = field(default=None, compare=False)

    def task(self, name: str) -> Task:
        """The task of that name; KeyError if there is none."""
        return self.tasks[self.task_index(name)]

    def task_index(self, name: str) -> int:
        """The position of the task of that name in `tasks`; KeyError if there is none."""
        for index, task in enumerate(self.tasks):
            if task.name == name:
                return index
        raise KeyError(name)
