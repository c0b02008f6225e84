"""A path walked again, with everything written down that a reader may want to see."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from pagefault.consts import NR_PFN
from pagefault.explore.canonical import Canonical, Naming, compose, invert
from pagefault.explore.engine import (
    BROKEN,
    BUG,
    TASKS,
    Engine,
    Visit,
    set_choices,
    take_choices,
)
from pagefault.explore.paths import Decision, Leaves, Step, Trace
from pagefault.explore.paths import Visit as NamedVisit

if TYPE_CHECKING:
    from pagefault.explore.lower import Lowered
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
    ) -> None:
        self._kernel = kernel
        self._program = program
        self._engine = engine
        self._canonical = canonical
        self._st = st
        self._initial = initial

    def trace(self, shows: str, sentence: str, detail: str, moves: Sequence[Move]) -> Trace:
        """Walk a path from the initial state and write down what happened.

        Choices were made in canonical states, so these are walked; but a reader wants a folio to
        keep its number, so each state is shown under the names that its folios had at first.
        """
        st = self._st
        leaves: list[int] = st.leaves
        leaves[:] = self._initial
        names: Naming = tuple(range(NR_PFN))
        if self._canonical and (new := self._canonical.apply(leaves)):
            names = invert(new)
        states = [self._renamed(leaves, names)]
        steps = []
        for t, choices in moves:
            slots = TASKS[t]
            statement = leaves[slots.ip]
            from_label = self._label(leaves, t)
            visits: list[Visit] = []
            set_choices(leaves, choices)
            with contextlib.suppress(*MODEL_ERRORS), self._decisions() as decisions:
                self._engine.step(st, t, visits)
            take_choices(leaves)
            leaves[BROKEN] = 0
            states.append(self._renamed(leaves, names))
            steps.append(
                {
                    "task": t,
                    "statement": statement,
                    "text": self._program.tasks[t].statements[statement].text,
                    "stack": self._stack(leaves, t),
                    "from_label": from_label,
                    "to_label": self._label(leaves, t),
                    "visits": tuple(self._name(v, t, statement, names) for v in visits),
                    "decisions": tuple(decisions),
                    "choices": choices,
                    "returned": self._engine.returned if leaves[slots.ip] != statement else None,
                }
            )
            if self._canonical and not leaves[BUG] and (new := self._canonical.apply(leaves)):
                names = compose(invert(new), names)
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

    def _renamed(self, leaves: list[int], names: Naming) -> Leaves:
        if self._canonical is None:
            return tuple(leaves)
        copy = list(leaves)
        self._canonical.rename(copy, names)
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

    def _name(self, visit: Visit, t: int, statement: int, names: Naming) -> NamedVisit:
        number, pc, before = visit
        state = self._renamed(list(before), names)
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
