"""The toys on pagefault's compiled search core.

A toy is a design whose dma_write() is the toy's step, and a program of devices that do nothing
else. A device has no CPU and no address space, so what is searched is the toy and nothing more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pagefault.explore.compiled import CompiledSearch
from pagefault.explore.engine import Engine, boot
from pagefault.explore.lower import NO_CPU, Lowered, LoweredStatement, LoweredTask
from pagefault.lang import parse
from pagefault.link import Kernel, link

__all__ = ["TOYS", "prepare", "start"]

TOYS = {"counters": (6, False), "philosophers": (4, True)}
"""How many tasks, and whether each has to sit down first: a step that is not searched."""

_PROGRAM = """\
+++
title = "Tasks that are none of this program's"
source = "pagefault's benchmarks"
[expect]
+++
process P { r0 = mmap(A, anon, private, rw) }
exists (P:r0 = 0)
"""


def start(toy: str, tasks: int) -> tuple[Kernel, Lowered, Any]:
    """A toy of so many tasks in its initial state."""
    kernel = link(str(Path(__file__).parent / f"{toy}.py"))
    path = next(p for p in kernel.paths if p is not None and p.name == "dma_write")
    statement = LoweredStatement(path.id, None, (), -1, toy)
    devices = tuple(LoweredTask(f"D{i}", None, NO_CPU, False, (statement,)) for i in range(tasks))
    lowered = Lowered(parse(_PROGRAM), devices)
    st: Any = boot(kernel, lowered)
    if TOYS[toy][1]:
        engine = Engine(kernel, lowered, "step")
        for t in range(tasks):
            engine.step(st, t)
    return kernel, lowered, st


def prepare(toy: str) -> CompiledSearch:
    """A search of a toy, compiled."""
    kernel, lowered, st = start(toy, TOYS[toy][0])
    search = CompiledSearch(kernel, lowered, "step", [], st, canonical=False)
    for _ in search.compile():
        pass
    search.prepare()
    return search
