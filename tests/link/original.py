"""The original generators, stepped as the engine steps the emitted functions, and compared.

`Original` runs the functions of `Kernel.generators()` as Python does, with the interpreter's own
frames: no pc, no registers, no call frames in the state. `Duel` runs both along one random
schedule, random choices included, and compares after every step: the state outside the task's call
frames, the chain of calls, the labels, and each register with the local that it stands for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from typing import Any

from pagefault.consts import (
    BLOCKED,
    BUG_FRAME_OVERFLOW,
    BUG_LIVELOCK,
    MOVED,
    NR_TASKS,
    SPINNING,
    TASK_RUNNING,
    WAITING,
)
from pagefault.explore.engine import BUG, TASKS, Engine, set_choices, take_choices
from pagefault.explore.lower import Lowered
from pagefault.layout import LEAF_INDEX, LEAVES, new_state
from pagefault.link import Kernel

Suspended = Generator[str | int, None, int | None]
BROKEN = LEAF_INDEX["broken"]
COMPARED = [
    i
    for i, leaf in enumerate(LEAVES)
    if not (
        leaf.path.startswith("task[")
        and leaf.path.split(".")[1].split("[")[0] in ("frame", "depth", "retval")
    )
]
"""All of the state but what belongs to the emitted form."""


class Original:
    """Steps the original generators of a kernel on a state of their own."""

    def __init__(self, kernel: Kernel, program: Lowered, grain: str, boot: list[int]) -> None:
        self.functions = kernel.generators()
        self.kernel = kernel
        self.program = program
        self.grain = grain
        self.boot = boot
        self.history: list[tuple[int, tuple[int, ...]]] = []
        self.st = new_state()
        self.reset()

    def reset(self) -> None:
        self.st.leaves[:] = self.boot
        self.running: list[Suspended | None] = [None] * NR_TASKS

    def step(self, t: int, choices: tuple[int, ...]) -> int:
        """One step of task `t`. After BLOCKED or WAITING the state is what it was before.

        A generator cannot go back, so then the whole history is run again.
        """
        outcome = self.run(t, choices)
        if outcome == MOVED:
            self.history.append((t, choices))
        else:
            self.reset()
            for past in self.history:
                assert self.run(*past) == MOVED
                self.st.leaves[BROKEN] = 0  # told when it happened
        return outcome

    def run(self, t: int, choices: tuple[int, ...]) -> int:
        """One step of task `t`, and the state as it is then even if the step blocks."""
        leaves = self.st.leaves
        slots = TASKS[t]
        set_choices(leaves, choices)
        if not self.functions["switch_to"](self.st, t):
            return BLOCKED
        statement = self.program.tasks[t].statements[leaves[slots.ip]]
        if self.running[t] is None:
            args = [x if task < 0 else leaves[TASKS[task].reg[x]] for task, x in statement.operands]
            if statement.path == 0:
                assert statement.function is not None
                return self._finish(
                    t, self.functions[statement.function.__name__](self.st, t, *args)
                )
            path = self.kernel.paths[statement.path]
            assert path is not None
            self.running[t] = self.functions[path.name](self.st, t, *args)
        generator = self.running[t]
        assert generator is not None
        while True:
            try:
                stop = next(generator)
            except StopIteration as end:
                self.running[t] = None
                return self._finish(t, end.value or 0)
            if stop in (BLOCKED, WAITING):
                assert isinstance(stop, int)
                return stop
            assert isinstance(stop, str)
            if self.grain == "step":
                take_choices(leaves)
                return MOVED

    def _finish(self, t: int, value: int) -> int:
        leaves = self.st.leaves
        slots = TASKS[t]
        statement = self.program.tasks[t].statements[leaves[slots.ip]]
        if statement.dest >= 0:
            leaves[slots.reg[statement.dest]] = value
        leaves[slots.ip] += 1
        take_choices(leaves)
        return MOVED

    def calls(self, t: int) -> list[Suspended]:
        """The generators under way in task `t`, outermost first."""
        chain: list[Suspended] = []
        generator = self.running[t]
        while generator is not None:
            chain.append(generator)
            generator = generator.gi_yieldfrom
        return chain


class Duel:
    """The emitted and the original form of one kernel, along one schedule."""

    def __init__(self, kernel: Kernel, program: Lowered, grain: str, st: Any, seed: int) -> None:
        self.kernel = kernel
        self.engine = Engine(kernel, program, grain)
        self.st = st
        self.original = Original(kernel, program, grain, list(st.leaves))
        self.random = random.Random(seed)
        self.tasks = range(len(program.tasks))
        self.steps: list[tuple[int, tuple[int, ...]]] = []
        self.blocked = 0

    def run(self, limit: int, blocked_checks: int = 3) -> int:
        """Take up to `limit` steps. Returns how many there were before nobody could move.

        A step that blocks makes the original start over, so only the first few are compared.
        """
        for count in range(limit):
            if not self._one_step(blocked_checks):
                return count
            if self.st.leaves[BUG]:
                return count + 1
        return limit

    def _one_step(self, blocked_checks: int) -> bool:
        leaves = self.st.leaves
        for t in self.random.sample(self.tasks, len(self.tasks)):
            if not self.engine.runnable(leaves, t):
                continue
            before = list(leaves)
            outcome, choices = self._try(t, before)
            if outcome == SPINNING:  # the original would spin for ever
                leaves[:] = before
                continue
            if outcome == MOVED:
                self.steps.append((t, choices))
                self._compare_moved(t, choices)
                return True
            leaves[:] = before
            if self.blocked < blocked_checks:
                self.blocked += 1
                assert self.original.step(t, choices) == outcome, self.steps
                self._compare_states()
        return False

    def _try(self, t: int, before: list[int]) -> tuple[int, tuple[int, ...]]:
        """Step the emitted form, drawing an answer to each question as it comes up."""
        leaves = self.st.leaves
        choices: tuple[int, ...] = ()
        while True:
            leaves[:] = before
            set_choices(leaves, choices)
            outcome = self.engine.step(self.st, t)
            made, arity = take_choices(leaves)
            if len(made) == len(choices):
                return outcome, choices
            choices = (*choices, self.random.randrange(arity[len(choices)]))

    def _compare_moved(self, t: int, choices: tuple[int, ...]) -> None:
        bug = self.st.leaves[BUG]
        if bug in (BUG_FRAME_OVERFLOW, BUG_LIVELOCK):
            return  # the original has neither
        if bug:  # the engine stops at once, the original may run on
            self.original.run(t, choices)
            assert self.original.st.leaves[BUG] == bug, self.steps
            return
        assert self.original.step(t, choices) == MOVED, self.steps
        self._compare_states()
        for task in self.tasks:
            self._compare_frames(task)
        self.st.leaves[BROKEN] = self.original.st.leaves[BROKEN] = 0

    def _compare_states(self) -> None:
        ours, theirs = self.st.leaves, self.original.st.leaves
        wrong = {LEAVES[i].path: (ours[i], theirs[i]) for i in COMPARED if ours[i] != theirs[i]}
        assert not wrong, (wrong, self.steps)

    def _compare_frames(self, t: int) -> None:
        """Call frames say what the interpreter's frames say, and are zero where nothing lives."""
        task = self.st.task[t]
        chain = self.original.calls(t)
        assert task.depth == len(chain), self.steps
        assert task.retval == 0
        for d in range(len(task.frame)):
            frame = task.frame[d]
            registers = [frame.reg[r] for r in range(len(frame.reg))]
            if d >= len(chain):
                assert (frame.path, frame.pc, any(registers)) == (0, 0, False), self.steps
                continue
            path = self.kernel.paths[frame.path]
            assert path is not None
            there = chain[d].gi_frame
            assert there is not None
            assert path.function.node.name == there.f_code.co_name, self.steps
            innermost = d == len(chain) - 1
            assert (frame.pc in path.labels) == innermost, (path, frame.pc)
            assert (frame.pc in path.callees) != innermost, (path, frame.pc)
            assert path.lines[frame.pc] == there.f_lineno, (path, frame.pc)
            for name, value in zip(path.registers, registers, strict=False):
                possible = {there.f_locals.get(n, value) for n in name.split("/")}
                assert value == 0 or value in possible, (path, name, value, self.steps)
            assert not any(registers[len(path.registers) :])


def duel(
    kernel: Kernel,
    program: Lowered,
    boot: Callable[[], Any],
    schedules: int,
    limit: int = 400,
    seed: int = 0,
) -> int:
    """Compare along random schedules at both grains. Returns the number of steps compared."""
    steps = 0
    for grain in ("op", "step"):
        for k in range(schedules):
            steps += Duel(kernel, program, grain, boot(), seed + k).run(limit)
    return steps


def all_running(tasks: int) -> Any:
    """A bare state with these tasks running, for kernels that have no boot."""
    st = new_state()
    for t in range(tasks):
        st.task[t].state = TASK_RUNNING
    return st
