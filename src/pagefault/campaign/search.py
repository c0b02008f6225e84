"""One program of a campaign under one design. What runs on a worker; no state but the linker's."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pagefault.explore.paths import Result, Trace
from pagefault.explore.replay import MODEL_ERRORS
from pagefault.explore.search import Budget, explore
from pagefault.lang.generate import THEMES, generate
from pagefault.lang.program import Program
from pagefault.link import Kernel, link

__all__ = ["ANY", "LAST", "Dice", "Searched", "glance", "look", "search_all", "signature"]

ANY = "any"
"""The theme that has every verb."""
SMALL = 150
"""States up to which an interpreted search is as quick as a compiled one."""
LAST = 1
"""Steps of a trace that its signature tells of."""


@dataclass(frozen=True)
class Dice:
    """What programs a campaign makes of its seeds.

    The seeds take turns at the themes. Two tasks and one page meet most often: of four rounds one
    has all the tasks, which are half as long, and one all the pages. `verbs` is how many a
    program has beside loads and stores, 0 for all.
    """

    themes: tuple[str, ...] = (*THEMES, ANY)
    verbs: int = 3
    tasks: int = 3
    statements: int = 4
    pages: int = 2
    # A FOLL_GET reference across fork promises nothing: what it loses is known.
    without: tuple[str, ...] = ("get",)

    def program(self, seed: int) -> Program:
        """The program of this seed."""
        turn, theme = divmod(seed, len(self.themes))
        many = turn % 4 == 3 and self.tasks > 2
        made = generate(
            seed,
            tasks=self.tasks if many else min(2, self.tasks),
            statements=(self.statements + 1) // 2 if many else self.statements,
            pages=self.pages if turn % 4 == 1 else 1,
            without=self.without,
            verbs=self.verbs or None,
            theme="" if self.themes[theme] == ANY or not self.verbs else self.themes[theme],
        )
        return replace(made, name=f"campaign-{seed}")


@dataclass(frozen=True)
class Searched:
    """What a program came to under a design. `breaks` has for each broken promise its signature."""

    seed: int
    design: str
    states: int
    complete: bool
    seconds: float
    breaks: dict[str, str] = field(default_factory=dict)


def look(kernel: Kernel, program: Program, grain: str, states: int) -> Result:
    """Search a small program: interpreted, until a compiled search is worth its start."""
    result = glance(kernel, program, grain, min(states, SMALL))
    if result.complete or states <= SMALL:
        return result
    try:
        result = explore(kernel, program, grain, Budget(states, None, None), engine="compiled")
        dict(result.breaches)  # walks the traces
    except (AssertionError, *MODEL_ERRORS):
        # Compiled code reads beyond an array without a word: a bug of the model, told here.
        return glance(kernel, program, grain, states)
    return result


def glance(kernel: Kernel, program: Program, grain: str, states: int) -> Result:
    """Search a program under a kernel that need not be compiled for it."""
    return explore(kernel, program, grain, Budget(states, None, None), engine="interpreted")


def signature(trace: Trace) -> str:
    """The kernel functions of the last steps, and those where the other tasks stood.

    Two programs whose traces end alike most often show one fault.
    """
    last = {step.task: step for step in trace.steps}
    steps = [step for task, step in last.items() if task != trace.steps[-1].task] if last else []
    names = [v.path for step in (*steps, *trace.steps[-LAST:]) for v in step.visits]
    return " ".join(dict.fromkeys(names)) or "no kernel function"


def search_all(
    dice: Dice, jobs: Iterable[tuple[int, str | Path]], grain: str, states: int
) -> list[Searched]:
    """Search these seeds under these designs."""
    _leave_interrupts_to_the_parent()
    return [_search(dice, seed, design, grain, states) for seed, design in jobs]


def _search(dice: Dice, seed: int, design: str | Path, grain: str, states: int) -> Searched:
    result = look(link(design), dice.program(seed), grain, states)
    return Searched(
        seed=seed,
        design=str(design),
        states=result.states,
        complete=result.complete,
        seconds=round(result.seconds, 3),
        breaks={name: signature(trace) for name, trace in result.breaches.items()},
    )


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches each process of the terminal; a worker has nothing to say about it."""
    is_main = threading.current_thread() is threading.main_thread()
    if multiprocessing.parent_process() is not None and is_main:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
