"""A path walked again, with everything written down that a reader may want to see."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from pagefault.consts import NR_PFN, NR_TASKS, SPINNING
from pagefault.explore.canonical import Canonical, Naming, compose, invert
from pagefault.explore.engine import (
    BROKEN,
    BUG,
    TASKS,
    Engine,
    Visit,
    set_choices,
    take_back,
    take_choices,
)
from pagefault.explore.paths import Decision, Leaves, Step, Trace
from pagefault.explore.paths import Visit as NamedVisit

if TYPE_CHECKING:
    from pagefault.explore.lower import Lowered
    from pagefault.explore.symmetry import Symmetry
    from pagefault.link import Kernel

__all__ = ["MODEL_ERRORS", "Move", "Replay"]

Move = tuple[int, tuple[int, ...]]
"""A task and what choose() answered it."""

MODEL_ERRORS = (
    IndexError,
    ValueError,
    ArithmeticError,
    TypeError,
    NameError,  # and UnboundLocalError
    AttributeError,
    AssertionError,
    MemoryError,
)
"""What Python raises where compiled code would go wrong silently."""


class Replay:
    """Walks paths of one search, in that search's state `st`, from the flat list `initial`."""

    def __init__(
        self,
        kernel: Kernel,
        program: Lowered,
        engine: Engine,
        canonical: Canonical | None,
        st: Any,
        initial: Sequence[int],
        symmetry: Symmetry | None = None,
    ) -> None:
        self._kernel = kernel
        self._program = program
        self._engine = engine
        self._canonical = canonical
        self._st = st
        self._initial = initial
        self._symmetry = symmetry
        # What the folios and the tasks of the state at hand are called in the trace.
        self._names: Naming = tuple(range(NR_PFN))
        self._tasks: Naming = tuple(range(NR_TASKS))

    def trace(self, shows: str, sentence: str, detail: str, moves: Sequence[Move]) -> Trace:
        """Walk a path from the initial state and write down what happened.

        Choices were made in canonical states, so these are walked; but a reader wants a folio to
        keep its number, so each state is shown under the names that its folios had at first. The
        same goes for tasks that a search with symmetry exchanged.
        """
        st = self._st
        leaves: list[int] = st.leaves
        leaves[:] = self._initial
        self._names = tuple(range(NR_PFN))
        self._tasks = tuple(range(NR_TASKS))
        self._settle()
        states = [self._renamed(leaves)]
        steps = []
        for t, choices in moves:
            slots = TASKS[t]
            statement = leaves[slots.ip]
            from_label = self._label(leaves, t)
            visits: list[Visit] = []
            before = list(leaves)
            set_choices(leaves, choices)
            with contextlib.suppress(*MODEL_ERRORS), self._decisions() as decisions:
                if self._engine.step(st, t, visits) == SPINNING:
                    take_back(leaves, before)
            take_choices(leaves)
            leaves[BROKEN] = 0
            states.append(self._renamed(leaves))
            steps.append(
                {
                    "task": self._tasks[t],
                    "statement": statement,
                    "text": self._program.tasks[self._tasks[t]].statements[statement].text,
                    "stack": self._stack(leaves, t),
                    "from_label": from_label,
                    "to_label": self._label(leaves, t),
                    "visits": tuple(self._name(v, t, statement) for v in visits),
                    "decisions": tuple(decisions),
                    "choices": choices,
                    "returned": self._engine.returned if leaves[slots.ip] != statement else None,
                }
            )
            if not leaves[BUG]:
                self._settle()
        return Trace(
            shows=shows,
            sentence=sentence,
            detail=detail,
            steps=tuple(
                Step(**step, before=before, after=after)  # type: ignore[arg-type]  # a dict of its fields
                for step, before, after in zip(steps, states, states[1:], strict=False)
            ),
            initial=states[0],
        )

    def _settle(self) -> None:
        """Make the state at hand canonical, and remember what all was called before."""
        leaves = self._st.leaves
        tasks: Naming | None = None
        frames: Naming | None = None
        if self._symmetry:
            tasks, frames = self._symmetry.apply(leaves)
        elif self._canonical:
            frames = self._canonical.apply(leaves)
        if tasks:
            self._tasks = compose(invert(tasks), self._tasks)
        if frames:
            self._names = compose(invert(frames), self._names)

    def _renamed(self, leaves: list[int]) -> Leaves:
        copy = list(leaves)
        if self._symmetry:
            self._symmetry.exchange(copy, self._tasks)
        if self._canonical:
            self._canonical.rename(copy, self._names)
        return tuple(copy)

    def _stack(self, leaves: Sequence[int], t: int) -> tuple[str, ...]:
        slots = TASKS[t]
        paths = (self._kernel.paths[leaves[slots.path[d]]] for d in range(leaves[slots.depth]))
        return tuple(path.name for path in paths if path is not None)

    def _label(self, leaves: Sequence[int], t: int) -> str:
        slots = TASKS[t]
        depth = leaves[slots.depth]
        if depth == 0:
            return ""
        path = self._kernel.paths[leaves[slots.path[depth - 1]]]
        return "" if path is None else path.labels.get(leaves[slots.pc[depth - 1]], "")

    def _name(self, visit: Visit, t: int, statement: int) -> NamedVisit:
        number, pc, before = visit
        state = self._renamed(list(before))
        path = self._kernel.paths[number]
        if path is None:
            function = self._program.tasks[t].statements[statement].function
            return NamedVisit(getattr(function, "__name__", ""), "", state)
        return NamedVisit(path.name, path.labels.get(pc, ""), state)

    @contextlib.contextmanager
    def _decisions(self) -> Iterator[list[Decision]]:
        """Collect what the design's own plain functions answer meanwhile."""
        paths = {path.name for path in self._kernel.paths if path is not None}
        asked = set(self._kernel.overrides) - paths
        answers: list[Decision] = []

        def note(frame: FrameType, event: str, value: object) -> None:
            if event == "return" and frame.f_code.co_name in asked and isinstance(value, int):
                answers.append(Decision(frame.f_code.co_name, int(value)))

        old = sys.getprofile()
        sys.setprofile(note)
        try:
            yield answers
        finally:
            sys.setprofile(old)
