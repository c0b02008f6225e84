"""The litmus programs that the peers' models cover, as plain numbers.

One process and its threads, one page, cell 0, register r0; mmap, clone, loads, stores and
madvise(dontneed); nobody bound to a CPU. Anything else is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagefault.lang.program import Program, Statement

__all__ = ["Kind", "Step", "Zap", "narrow"]


class Kind(Enum):
    """What a statement does."""

    MMAP = "mmap"
    CLONE = "clone"
    LOAD = "load"
    STORE = "store"
    DONTNEED = "dontneed"


@dataclass(frozen=True)
class Step:
    """A statement. `arg` is the task that a clone starts or the value that a store stores."""

    kind: Kind
    arg: int = 0


@dataclass(frozen=True)
class Zap:
    """A program: the statements of each task; task 0 is the process, the others are threads."""

    name: str
    tasks: tuple[tuple[Step, ...], ...]


def narrow(program: Program) -> Zap:
    """The program as numbers. ValueError if it does something that the peers' models lack."""
    if len(program.pages) != 1 or len(program.tasks) > 4:
        raise ValueError(f"{program.name}: not one page and at most four tasks")
    for i, task in enumerate(program.tasks):
        if task.cpu is not None or task.kind != ("thread" if i else "process"):
            raise ValueError(f"{program.name}: {task.name} is bound, or no thread of one process")
    tasks = tuple(tuple(_step(program, s) for s in task.statements) for task in program.tasks)
    if tasks[0][:1] != (Step(Kind.MMAP),) or sum(s.kind is Kind.MMAP for t in tasks for s in t) > 1:
        raise ValueError(f"{program.name}: does not start with its one mmap")
    return Zap(program.name, tasks)


def _step(program: Program, statement: Statement) -> Step:
    text = statement.text.replace(" ", "")
    page = program.pages[0]
    if statement.verb == "mmap" and text == f"{page}=mmap(anon,private,rw)":
        return Step(Kind.MMAP)
    if statement.verb == "clone" and statement.dest is None:
        names = [task.name for task in program.tasks]
        return Step(Kind.CLONE, names.index(text.removeprefix("clone(").removesuffix(")")))
    if text == f"r0={page}[0]":
        return Step(Kind.LOAD)
    if text.startswith(f"{page}[0]=") and text[len(page) + 4 :].isdigit():
        value = int(text[len(page) + 4 :])
        if value > 0:
            return Step(Kind.STORE, value)
    if text == f"madvise({page},dontneed)":
        return Step(Kind.DONTNEED)
    raise ValueError(f"{program.name}: the peers' models do not cover `{statement.text}`")
