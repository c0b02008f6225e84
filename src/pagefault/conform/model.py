"""What the model answers: every schedule of a program, in the form in which a kernel answers.

Schedules that begin alike share their steps, and a step from a state that was met before is looked
up. Where the hardware or the allocator may choose, a schedule has several outcomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pagefault import consts
from pagefault.consts import (
    CELLS,
    MOVED,
    NO_MM,
    PAGE_PRESENT,
    PAGE_PROTNONE,
    PFN_SHIFT,
    VM_EXCLUSIVE,
    VM_PFNMAP,
    ZERO_PFN,
)
from pagefault.explore.canonical import Canonical
from pagefault.explore.codec import Codec, MisfitError
from pagefault.explore.condition import peek, satisfies
from pagefault.explore.engine import (
    BROKEN,
    BUG,
    Engine,
    boot,
    next_choices,
    set_choices,
    take_choices,
)
from pagefault.explore.lower import lower
from pagefault.explore.replay import MODEL_ERRORS
from pagefault.hw.pgtable import ptep_get
from pagefault.lang.program import Program
from pagefault.lang.schedule import Schedule
from pagefault.live.outcome import Outcome, Status

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = ["Model"]

MOST_BRANCHES = 4096
"""So many choices in one statement are taken; more would be an endless loop."""

_BUGS = {value: name for name, value in vars(consts).items() if name.startswith("BUG_")}


@dataclass(frozen=True)
class _Step:
    """What a statement comes to: the states behind it, and what there is to see where it waits.

    It may have done something until then: a fault brings a page back from swap, and waits for
    userfaultfd. `bug` says which impossible situation the model met, if it met one.
    """

    states: tuple[int, ...]
    blocked: tuple[Outcome, ...]
    bug: str = ""


@dataclass(frozen=True)
class _Level:
    """After some moves: the states there may be, and the outcomes of those that got no further."""

    states: tuple[int, ...]
    ended: tuple[Outcome, ...] = field(default=())


class Model:
    """One program under one design. LitmusError if the design cannot run it."""

    def __init__(self, kernel: Kernel, program: Program) -> None:
        lowered = lower(program, kernel)
        self._program = program
        self._engine = Engine(kernel, lowered, "op")
        self._canonical = Canonical(kernel)
        self._st = boot(kernel, lowered)
        self._canonical.apply(self._st.leaves)
        self._codec = Codec(self._st.leaves)
        self._keys: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._steps: dict[tuple[int, int], _Step] = {}
        self._seen: dict[int, Outcome] = {}
        self._tasks = {task.name: t for t, task in enumerate(program.tasks)}
        self._spaces = {
            task.name: lowered.tasks[t].mm
            for t, task in enumerate(program.tasks)
            if task.kind == "process"
        }
        self._start = _Level((self._number(),))

    def answers(self, schedules: Iterable[Schedule]) -> Iterator[tuple[Outcome, ...]]:
        """For each schedule the outcomes that it may have; several only where there is a choice."""
        levels = [self._start]
        moves: Schedule = ()
        for schedule in schedules:
            common = _common(moves, schedule)
            del levels[common + 1 :]
            for at in range(common, len(schedule)):
                levels.append(self._move(levels[-1], at, schedule))
            moves = schedule
            yield self._outcomes(schedule, levels[-1])

    def answer(self, schedule: Schedule) -> tuple[Outcome, ...]:
        """The outcomes that one schedule may have."""
        return next(self.answers([schedule]))

    @property
    def states(self) -> int:
        """How many states were met so far."""
        return len(self._keys)

    def _move(self, level: _Level, at: int, schedule: Schedule) -> _Level:
        ended = list(level.ended)
        after: dict[int, None] = {}
        for state in level.states:
            step = self._step(state, self._tasks[schedule[at]])
            after.update(dict.fromkeys(step.states))
            ended += (replace(seen, status=Status.BLOCKED, moves=at) for seen in step.blocked)
            if step.bug:
                ended.append(Outcome((), Status.UNABLE, at, why=step.bug))
        return _Level(tuple(after), tuple(ended))

    def _outcomes(self, schedule: Schedule, level: _Level) -> tuple[Outcome, ...]:
        done = (replace(self._look(s), moves=len(schedule)) for s in level.states)
        found = [replace(outcome, schedule=schedule) for outcome in (*done, *level.ended)]
        return tuple(o for n, o in enumerate(found) if o not in found[:n])

    def _step(self, state: int, t: int) -> _Step:
        key = (state, t)
        if key not in self._steps:
            self._steps[key] = self._take(state, t)
        return self._steps[key]

    def _take(self, state: int, t: int) -> _Step:
        """Make the step, once for each choice."""
        leaves: list[int] = self._st.leaves
        after: dict[int, None] = {}
        blocked: list[Outcome] = []
        choices: tuple[int, ...] | None = ()
        for _ in range(MOST_BRANCHES):
            if choices is None:
                return _Step(tuple(after), tuple(blocked))
            leaves[:] = self._codec.decode(self._keys[state])
            set_choices(leaves, choices)
            try:
                outcome = self._engine.step(self._st, t)
                made, arity = take_choices(leaves)
                if leaves[BUG]:
                    return _Step(
                        tuple(after), tuple(blocked), f"model-bug: {_BUGS.get(leaves[BUG], '?')}"
                    )
                if outcome == MOVED:
                    leaves[BROKEN] = 0
                    self._canonical.apply(leaves)
                    after[self._number()] = None
                else:
                    # What the kernel has done until then stays done.
                    blocked.append(self._outcome(self._st))
            except (*MODEL_ERRORS, MisfitError) as error:
                return _Step(
                    tuple(after), tuple(blocked), f"model-bug: {type(error).__name__}: {error}"
                )
            choices = next_choices(made, arity)
        return _Step(tuple(after), tuple(blocked), "model-bug: a choice without an end")

    def _number(self) -> int:
        """The number of the state at hand."""
        key = self._codec.encode(self._st.leaves)
        number = self._numbers.setdefault(key, len(self._keys))
        if number == len(self._keys):
            self._keys.append(key)
        return number

    def _look(self, state: int) -> Outcome:
        """What can be seen of a state, as the outcome of a schedule that ends there."""
        if state not in self._seen:
            self._st.leaves[:] = self._codec.decode(self._keys[state])
            self._seen[state] = self._outcome(self._st)
        return self._seen[state]

    def _outcome(self, st: Any) -> Outcome:
        program = self._program
        registers: dict[str, int] = {}
        signals: dict[str, int] = {}
        for t, task in enumerate(program.tasks):
            used = {s.dest.index for s in task.statements if s.dest is not None}
            for r in sorted(used):
                registers[f"{task.name}:r{r}"] = int(st.task[t].reg[r])
            if st.task[t].signal:
                signals[task.name] = int(st.task[t].signal)
        places = [
            (f"{name}:{page}", mm, vpn)
            for name, mm in self._spaces.items()
            for vpn, page in enumerate(program.pages)
        ]
        return Outcome(
            (),
            Status.DONE,
            0,
            satisfies(program, st, program.condition.expr),
            registers,
            signals,
            {place: _cells(st, mm, vpn) for place, mm, vpn in places},
            _renumbered({place: _frame(st, mm, vpn) for place, mm, vpn in places}),
        )


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many moves two schedules begin alike."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _cells(st: Any, mm: int | None, vpn: int) -> tuple[int, ...] | None:
    """What a look from outside sees; the driver looks by process_vm_readv(2)."""
    if mm is not None and st.mm[mm].vma[vpn].vm_flags & (VM_EXCLUSIVE | VM_PFNMAP):
        return None
    values = [peek(st, NO_MM if mm is None else mm, vpn, cell) for cell in range(CELLS)]
    return None if any(v is None for v in values) else tuple(v for v in values if v is not None)


def _is_pfnmap(st: Any, mm: int | None, vpn: int) -> bool:
    """Neither GUP nor pagemap sees a PFN map, by which a kernel is looked at."""
    return mm is not None and bool(st.mm[mm].vma[vpn].vm_flags & VM_PFNMAP)


def _frame(st: Any, mm: int | None, vpn: int) -> int | None:
    """The frame that an address space maps there; None if it maps none."""
    if mm is None or _is_pfnmap(st, mm, vpn):
        return None
    pte = ptep_get(st, mm, vpn)
    return int(pte >> PFN_SHIFT) if pte & (PAGE_PRESENT | PAGE_PROTNONE) else None


def _renumbered(frames: dict[str, int | None]) -> dict[str, int | None]:
    """The same by small numbers, in the order of their appearance; the zero page is 0."""
    names: dict[int, int] = {ZERO_PFN: 0}
    return {
        place: None if pfn is None else names.setdefault(pfn, len(names))
        for place, pfn in frames.items()
    }
