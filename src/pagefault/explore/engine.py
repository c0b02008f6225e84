"""One step of one task: from a switch point to the next.

The engine knows nothing of memory management. It finds the path that a task stands in, runs the
emitted function of that path, and follows calls and returns through the task's frames until the
task reaches a switch point, cannot go on, or has finished its statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pagefault.consts import (
    BLOCKED,
    BUG_LIVELOCK,
    CALLED,
    MOVED,
    NO_MM,
    NR_CHOICES,
    NR_FRAMES,
    NR_LITMUS_REGS,
    NR_PFN,
    NR_PMD,
    NR_PTPAGE,
    NR_REGS,
    NR_SPARE_PTPAGE,
    NR_TASKS,
    RETURNED,
    SPINNING,
    TASK_NEW,
    TASK_RUNNING,
    WAITING,
    YIELDED,
)
from pagefault.explore.lower import WORDS
from pagefault.layout import LEAF_INDEX, new_state

if TYPE_CHECKING:
    from pagefault.explore.lower import Lowered
    from pagefault.link import Kernel

__all__ = ["NOTHING", "TASKS", "Engine", "Slots", "Visit", "boot", "step"]

NOTHING = -1
"""The task has no statement left, or has not started, or is dead."""

SPIN_LIMIT = 10_000
"""Path calls in one step after which the step counts as an endless loop: an impossible situation;
or, if it goes through switch points, a statement that needs somebody else to move."""

Visit = tuple[int, int, tuple[int, ...]]
"""A path that ran during a step: its id, the pc that it started from, and the state by then.

Id 0 is the statement's plain function.
"""


class Slots:
    """Where a task's fields stand in the flat list of the state. All are list positions."""

    def __init__(self, t: int) -> None:
        at = f"task[{t}]"
        self.state = LEAF_INDEX[f"{at}.state"]
        self.ip = LEAF_INDEX[f"{at}.ip"]
        self.depth = LEAF_INDEX[f"{at}.depth"]
        self.retval = LEAF_INDEX[f"{at}.retval"]
        self.signal = LEAF_INDEX[f"{at}.signal"]
        self.mm = LEAF_INDEX[f"{at}.mm"]
        self.reg = tuple(LEAF_INDEX[f"{at}.reg[{i}]"] for i in range(NR_LITMUS_REGS))
        frames = range(NR_FRAMES)
        self.path = tuple(LEAF_INDEX[f"{at}.frame[{d}].path"] for d in frames)
        self.pc = tuple(LEAF_INDEX[f"{at}.frame[{d}].pc"] for d in frames)
        self.frame_reg = tuple(LEAF_INDEX[f"{at}.frame[{d}].reg[0]"] for d in frames)


TASKS = tuple(Slots(t) for t in range(NR_TASKS))
BUG = LEAF_INDEX["bug"]
BROKEN = LEAF_INDEX["broken"]
_NR_CHOICES = LEAF_INDEX["nr_choices"]
_CHOICE = LEAF_INDEX["choice[0]"]
_ARITY = LEAF_INDEX["arity[0]"]
_NO_CHOICES = [0] * NR_CHOICES


class Engine:
    """Steps the tasks of one program on one kernel at one grain ("op" or "step")."""

    def __init__(self, kernel: Kernel, program: Lowered, grain: str) -> None:
        self.program = program
        self.kernel = kernel
        self._stop_at_yield = grain == "step"
        self._steps: tuple[Callable[[Any, int], int] | None, ...] = tuple(
            None if path is None else path.step for path in kernel.paths
        )
        self._switch_to = kernel.function("switch_to")
        self._statements = tuple(task.statements for task in program.tasks)
        self.returned = 0  # what the statement that ended last gave back

    def runnable(self, leaves: Sequence[int], t: int) -> bool:
        """Whether task `t` runs and has something left to do."""
        slots = TASKS[t]
        if leaves[slots.state] != TASK_RUNNING:
            return False
        return bool(leaves[slots.depth] > 0 or leaves[slots.ip] < len(self._statements[t]))

    def step(self, st: Any, t: int, visits: list[Visit] | None = None) -> int:
        """Run task `t` of `st` to its next stop.

        Returns MOVED; or BLOCKED, WAITING or SPINNING, after which `st` is a failed trial to be
        thrown away; or NOTHING. `visits` collects the paths that ran, for a trace.
        """
        leaves = st.leaves
        if not self.runnable(leaves, t):
            return NOTHING
        if not self._switch_to(st, t):
            return BLOCKED
        slots = TASKS[t]
        depth = slots.depth
        if leaves[depth] == 0 and not self._begin(st, t, slots, visits):
            return MOVED
        steps = self._steps
        switches = 0
        for _ in range(SPIN_LIMIT):
            d = leaves[depth] - 1
            path = leaves[slots.path[d]]
            if visits is not None:
                visits.append((path, leaves[slots.pc[d]], tuple(leaves)))
            run = steps[path]
            assert run is not None, f"task {t} stands in path 0"
            outcome = run(st, t)
            if leaves[BUG]:
                return MOVED
            if outcome == RETURNED:
                if leaves[depth] == 0:
                    self._finish(leaves, t, slots)
                    return MOVED
            elif outcome == YIELDED:
                if self._stop_at_yield:
                    return MOVED
                switches += 1
            elif outcome in (BLOCKED, WAITING):
                return int(outcome)
            else:
                assert outcome == CALLED, f"path {path} returned {outcome}"
        if switches:
            return SPINNING
        leaves[BUG] = BUG_LIVELOCK
        return MOVED

    def _begin(self, st: Any, t: int, slots: Slots, visits: list[Visit] | None) -> bool:
        """Start the statement at `ip`. False if it was a plain function, and so is done."""
        leaves = st.leaves
        statement = self._statements[t][leaves[slots.ip]]
        args = [
            arg if task < 0 else leaves[TASKS[task].reg[arg]] for task, arg in statement.operands
        ]
        if statement.path == 0:
            assert statement.function is not None
            if visits is not None:
                visits.append((0, 0, tuple(leaves)))
            leaves[slots.retval] = statement.function(st, t, *args)
            self._finish(leaves, t, slots)
            return False
        assert len(args) <= NR_REGS
        leaves[slots.path[0]] = statement.path
        leaves[slots.pc[0]] = 0
        at = slots.frame_reg[0]
        leaves[at : at + len(args)] = args
        leaves[slots.depth] = 1
        return True

    def _finish(self, leaves: list[int], t: int, slots: Slots) -> None:
        statement = self._statements[t][leaves[slots.ip]]
        self.returned = leaves[slots.retval]
        if statement.dest >= 0:
            leaves[slots.reg[statement.dest]] = self.returned
        leaves[slots.retval] = 0
        leaves[slots.ip] += 1


def take_back(leaves: list[int], before: Sequence[int]) -> int:
    """Make of a step that spins one that leads to where it began; what it broke is broken."""
    broken = leaves[BROKEN]
    leaves[:] = before
    leaves[BROKEN] = broken
    return MOVED


def set_choices(leaves: list[int], choices: Sequence[int]) -> None:
    """Lay down the answers that choose() gives during the next step; 0 for any further question."""
    if choices:
        leaves[_CHOICE : _CHOICE + len(choices)] = choices


def take_choices(leaves: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The choices that a step made and how many answers each had; clears both in the state."""
    nr = min(leaves[_NR_CHOICES], NR_CHOICES)
    if nr == 0 and leaves[_CHOICE] == 0:
        return (), ()
    made = tuple(leaves[_CHOICE : _CHOICE + nr])
    arity = tuple(leaves[_ARITY : _ARITY + nr])
    leaves[_NR_CHOICES] = 0
    leaves[_CHOICE : _CHOICE + NR_CHOICES] = _NO_CHOICES
    leaves[_ARITY : _ARITY + NR_CHOICES] = _NO_CHOICES
    return made, arity


def next_choices(made: tuple[int, ...], arity: tuple[int, ...]) -> tuple[int, ...] | None:
    """The choice vector after `made`, counting the last question fastest; None after the last."""
    for k in range(len(made) - 1, -1, -1):
        if made[k] + 1 < arity[k]:
            return (*made[:k], made[k] + 1)
    return None


def boot(kernel: Kernel, program: Lowered, frames: int = NR_PFN) -> Any:
    """A machine of `frames` page frames on which the processes that nobody forks have just started.

    Each process has an address space of its own, each task a CPU unless the program binds it.
    """
    st = new_state()
    _size_machine(st, program)
    st.nr_pfns = frames
    for t, task in enumerate(program.tasks):
        view = st.task[t]
        view.state = TASK_NEW if task.started_by_program else TASK_RUNNING
        view.mm = NO_MM if task.mm is None else task.mm
        view.cpu = task.cpu
    for task in program.tasks:
        if task.mm is not None and not task.started_by_program:
            kernel.function("boot_mm")(st, task.mm)
    kernel.function("boot_kernel")(st)
    return st


def _size_machine(st: Any, program: Lowered) -> None:
    """As much of each thing as the program can use."""
    st.nr_tasks = len(program.tasks)
    st.nr_cpus = 1 + max(task.cpu for task in program.tasks)
    st.nr_mms = 1 + max((task.mm for task in program.tasks if task.mm is not None), default=-1)
    st.nr_vpns = len(program.program.pages)
    st.nr_ptpages = min(NR_PTPAGE, st.nr_mms * NR_PMD + NR_SPARE_PTPAGE)
    st.nr_pins = len(program.program.pins)
    st.nr_pipes = len(program.program.pipes)
    st.nr_files = len(program.program.files)
    for i, file in enumerate(program.program.files):
        st.file[i].kind = WORDS["file", file.kind]
        st.file[i].nr_pages = file.nr_pages


def step(kernel: Kernel, program: Lowered, st: Any, t: int, grain: str) -> int:
    """One step of task `t`, without an engine kept: for tests and for the debugger."""
    return Engine(kernel, program, grain).step(st, t)
