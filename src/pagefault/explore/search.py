"""Every schedule and every choice, breadth first.

The search keeps the set of states that it has met, exactly, and the steps between them, so
that a shortest way to any state can be walked again. Properties are judged in every state; the
condition in every final state, where no task can move.
"""

from __future__ import annotations

import math
import time
import traceback
from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pagefault import consts
from pagefault.consts import BLOCKED, MOVED, NR_PFN, SPINNING, WAITING
from pagefault.errors import ModelError
from pagefault.explore.alarm import Alarm, OutOfTimeError
from pagefault.explore.canonical import Canonical
from pagefault.explore.codec import Codec, MisfitError
from pagefault.explore.condition import satisfies
from pagefault.explore.engine import (
    BROKEN,
    BUG,
    TASKS,
    Engine,
    boot,
    next_choices,
    set_choices,
    take_back,
    take_choices,
)
from pagefault.explore.lower import Lowered, lower
from pagefault.explore.paths import MODEL_BUG, Result, Trace, Traces
from pagefault.explore.promises import DEADLOCK, PROGRESS, Holds, Promise, promises
from pagefault.explore.replay import MODEL_ERRORS, Move, Replay
from pagefault.explore.symmetry import Asymmetry, Group, Symmetry
from pagefault.lang.program import Program
from pagefault.verdict import verdict_of

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from pagefault.explore import saved
    from pagefault.explore.compiled import CompiledSearch, Found
    from pagefault.link import Kernel

__all__ = ["Budget", "explore"]

_STATE_OVERHEAD = 200
"""Bytes that a state costs beside its key: objects, table entry (measured, 64 bit)."""

_EDGE_BYTES = 12


@dataclass(frozen=True)
class Budget:
    """Where a search gives up and says Unknown. None: no limit.

    `megabytes` limits an estimate of the table's size, which is the same on every run. A large
    search keeps its states in files in the folder `disk`, or else in memory.
    """

    states: int | None = 5_000_000
    seconds: float | None = 600.0
    megabytes: float | None = 4096.0
    disk: Path | None = None


Progress = Callable[[str], None]

SWITCH_WARM = 0.3
"""Seconds of interpreted search before the compiled one takes over, where its code is kept."""
SWITCH_COLD = 3.0
"""Seconds after which what is not compiled yet is, while the interpreted search goes on."""
LOOK_AGAIN = 0.5
"""Seconds between two looks whether that is done."""
FRAMES = (6, 10, NR_PFN)
"""Page frames of the machine that a compiled search tries: few first, for short scans."""
FIRST_CHUNK = 1_000
CHUNK = 50_000
"""States between two looks at the budget."""


def _silent(_: str) -> None:
    """Nobody wants to know."""


_Moves: TypeAlias = "tuple[Move, _Moves] | None"
_Way: TypeAlias = tuple[int, "_Moves"]


@dataclass(frozen=True)
class _End:
    """Where a trace ends: at a state, or one move after it."""

    state: int
    move: Move | None = None
    detail: str = ""


def explore(
    kernel: Kernel,
    program: Program,
    grain: str = "op",
    budget: Budget = Budget(),
    *,
    properties: Sequence[str] | None = None,
    canonical: bool = True,
    engine: str = "auto",
    symmetry: bool = False,
    cores: int = 1,
    reduce: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Search all that `program` can do on `kernel` at grain "op" or "step".

    `properties` restricts what is judged to these names; `canonical` false keeps states apart that
    differ in the numbering of the folios only (slower; for tests). `engine` is "interpreted",
    "compiled", or "auto": interpreted first, compiled if that does not end soon; the compiled
    search runs on so many `cores`. `symmetry` takes states for one that differ only in which of
    several equal tasks did what; such a search stays interpreted. With `reduce` a large compiled
    search takes steps alone that nobody else can tell: fewer states, the same verdicts and finals.
    `progress` is told in a few words what goes on.
    """
    if not symmetry:
        search = _Search(kernel, program, grain, budget, properties, canonical)
        search.cores, search.reduce = cores, reduce
        return search.run(engine, progress or _silent)
    if engine == "compiled":
        raise ValueError("a compiled search knows no symmetry")
    return _explore_symmetric(kernel, program, grain, budget, properties, canonical)


def _explore_symmetric(
    kernel: Kernel,
    program: Program,
    grain: str,
    budget: Budget,
    properties: Sequence[str] | None,
    canonical: bool,
) -> Result:
    """With as much symmetry as turns out to be there: begins again where it was too much."""
    started = time.perf_counter()
    without: set[Group] = set()
    while True:
        left = budget
        if budget.seconds is not None:
            spent = time.perf_counter() - started
            left = replace(budget, seconds=max(budget.seconds - spent, 1e-3))
        search = _Search(kernel, program, grain, left, properties, canonical, without)
        try:
            result = search.run("interpreted")
            return replace(result, seconds=time.perf_counter() - started)
        except Asymmetry as e:
            without.update(e.groups)


class _Search:
    def __init__(
        self,
        kernel: Kernel,
        program: Program,
        grain: str,
        budget: Budget,
        properties: Sequence[str] | None,
        canonical: bool,
        asymmetric: Collection[Group] | None = None,
    ) -> None:
        """`asymmetric` names groups of tasks that may not be exchanged; None: nor any others."""
        self.kernel = kernel
        self.program = program
        self.grain = grain
        self.budget = budget
        self.lowered: Lowered = lower(program, kernel)
        self.engine = Engine(kernel, self.lowered, grain)
        self.promises: tuple[Promise, ...] = tuple(
            p for p in promises(kernel) if properties is None or p.name in properties
        )
        self.judged = {p.name for p in self.promises}
        self.always = [(p.name, f) for p in self.promises for f in p.always]
        self.at_end = [(p.name, f) for p in self.promises for f in p.at_end]
        self.bits = [(1 << p.bit, p.name) for p in self.promises if p.bit is not None]
        self.canonical = Canonical(kernel) if canonical else None
        self.symmetry: Symmetry | None = None
        if asymmetric is not None:
            found = Symmetry(kernel, self.lowered, self.canonical, asymmetric)
            self.symmetry = found if found.groups else None

        self.deadline = math.inf
        self.trials = 0
        self.alarm = Alarm()
        self.st = _boot(kernel, self.lowered)
        self.initial: list[int] = list(self.st.leaves)
        self.codec = Codec(self.initial)
        self.keys: list[bytes] = []
        self.index: dict[bytes, int] = {}
        self.level = array("i")  # steps from the initial state
        self.moves: list[Move] = []
        self.move_index: dict[Move, int] = {}
        # The steps between states: edge e leads from source[e] to target[e] by moves[by[e]].
        self.source = array("i")
        self.target = array("i")
        self.by = array("i")
        self.bytes = 0
        self.transitions = 0
        self.breaches: dict[str, _End] = {}
        self.ends = bytearray()  # 1 for each state that no step leaves
        self.positive = 0
        self.negative = 0
        self.finals: dict[str, _End] = {}
        self.stuck: dict[str, None] = {}
        self.compiled: CompiledSearch | None = None
        self.compiling: list[BaseProcess] = []
        self.cores = 1
        self.reduce = False
        self._incoming: tuple[list[int], list[int]] | None = None  # edges by target, where from

    # --- the search -----------------------------------------------------------------------------

    def run(self, engine: str = "interpreted", progress: Progress = _silent) -> Result:
        started = time.perf_counter()
        if self.budget.seconds is not None:
            self.deadline = started + self.budget.seconds
        if engine == "compiled":
            return self._run_compiled(started, progress)
        with self.alarm.after(self.budget.seconds):
            return self._run_interpreted(engine, started, progress)

    def _run_interpreted(self, engine: str, started: float, progress: Progress) -> Result:
        switch = started + SWITCH_WARM if engine == "auto" else math.inf
        try:
            return self._until_compiled(switch, started, progress)
        finally:
            for process in self.compiling:
                process.terminate()

    def _is_compiled(self, started: float, progress: Progress) -> bool:
        """Whether machine code is there. If not after some time, it is made by other processes."""
        if self.compiling:
            progress(f"{len(self.keys):,} states, and compiling meanwhile")
            return not any(process.is_alive() for process in self.compiling)
        search = self._compiled_search(FRAMES[0])
        if not search.missing():
            return True
        if time.perf_counter() > started + SWITCH_COLD:
            self.compiling = search.compile_beside()
        return False

    def _until_compiled(self, switch: float, started: float, progress: Progress) -> Result:
        self._settle()
        self._insert(self.codec.encode(self.st.leaves), 0)
        reason = None
        state = 0
        while state < len(self.keys):
            reason = self._over_budget()
            if reason:
                break
            if time.perf_counter() > switch:
                if self._is_compiled(started, progress):
                    return self._run_compiled(started, progress)
                switch = time.perf_counter() + LOOK_AGAIN
            try:
                done = self._expand(state)
            except OutOfTimeError:
                done = False
            if not done:
                reason = f"more than {self.budget.seconds:g} seconds"
                break
            state += 1
        if reason is None and PROGRESS in self.judged:
            self._judge_progress(self._hopeless)
        self.index.clear()
        return self._result(reason, time.perf_counter() - started)

    # --- compiled -------------------------------------------------------------------------------

    def _compiled_search(self, frames: int) -> CompiledSearch:
        """The same search, compiled, on a machine of this many page frames."""
        from pagefault.explore.compiled import CompiledSearch

        self.st = _boot(self.kernel, self.lowered, frames)
        if self.canonical:
            self.canonical.apply(self.st.leaves)
        always = [(name, f.__name__) for name, f in self.always]
        return CompiledSearch(
            self.kernel,
            self.lowered,
            self.grain,
            always,
            self.st,
            canonical=self.canonical is not None,
            cores=self.cores,
            reduce=self.reduce,
            disk=self.budget.disk,
        )

    def _run_compiled(self, started: float, progress: Progress) -> Result:
        from pagefault.explore import saved

        for frames in FRAMES:
            search = self._compiled_search(frames)
            self.initial = list(self.st.leaves)
            missing = len(search.missing())
            for i, name in enumerate(search.compile(), start=1):
                progress(f"compiling {i}/{missing} {name}")
            search.prepare()
            went_on = saved.resume(search)
            if went_on:
                progress(f"going on from {search.states:,} states")
            reason = self._chunks(search, started, progress)
            if went_on and reason is None:
                saved.forget(search)
            if frames == NR_PFN or not search.ran_out_of_frames:
                break
        self._take(search, search.found())
        if reason is None and PROGRESS in self.judged:
            self._judge_progress(search.hopeless)
        if self.breaches and search.is_reduced:
            return self._without_reduction(started, progress)
        return self._result(reason, time.perf_counter() - started)

    def _without_reduction(self, started: float, progress: Progress) -> Result:
        """Search again for the shortest ways: the steps taken alone may have come before a breach
        that does not need them."""
        self.reduce = False
        return self._run_compiled(started, progress)

    def _chunks(self, search: CompiledSearch, started: float, progress: Progress) -> str | None:
        """Run the search to its end or to that of the budget; the reason if it is the budget's."""
        from pagefault.explore import saved

        interrupts = saved.Interrupts()
        with interrupts.noted():
            return self._chunk_by_chunk(search, started, progress, interrupts)

    def _chunk_by_chunk(
        self,
        search: CompiledSearch,
        started: float,
        progress: Progress,
        interrupts: saved.Interrupts,
    ) -> str | None:
        began, at_first = time.perf_counter(), search.states
        limit = FIRST_CHUNK
        while True:
            budget = self.budget
            if budget.states is not None:
                limit = min(limit, max(1, budget.states - search.states))
            done = search.chunk(limit)
            now = time.perf_counter()
            rate = (search.states - at_first) / max(now - began, 1e-9)
            progress(f"{search.states:,} states, {rate:,.0f} states/s")
            if interrupts.came:
                raise KeyboardInterrupt(_kept(search))
            if done or (search.ran_out_of_frames and self.st.nr_pfns < NR_PFN):
                return None
            if search.is_full:
                return "more control states of a task than the compiled search has numbers for"
            if budget.states is not None and search.states > budget.states:
                return f"more than {budget.states} states"
            if budget.megabytes is not None and search.bytes() > budget.megabytes * 1e6:
                return f"more than {budget.megabytes:g} MB of states"
            if budget.seconds is not None and now - started > budget.seconds:
                return f"more than {budget.seconds:g} seconds"
            limit = CHUNK

    def _take(self, search: CompiledSearch, found: Found) -> None:
        """Make what a compiled search found this search's own."""
        self.compiled = search
        self.transitions = found.transitions
        self.breaches.clear()
        self.finals.clear()
        self.stuck.clear()
        self.positive = self.negative = 0
        ends: list[tuple[tuple[int, Move | None], str]] = []
        ends += [(bug, MODEL_BUG + bug_name(code)) for code, bug in found.bugs.items()]
        ends += [
            (found.bits[mask.bit_length() - 1], name)
            for mask, name in self.bits
            if mask.bit_length() - 1 in found.bits
        ]
        ends += [((state, None), name) for name, state in found.properties.items()]
        # One property may break by an access and in a state: the shorter way shows it.
        for end, name in sorted(ends, key=lambda e: search.steps_to(*e[0])):
            self._breach(name, _End(*end))
        for state in found.ends:
            self.st.leaves[:] = search.leaves(state)
            if found.is_deadlock(state):
                self._breach(DEADLOCK, _End(state, detail=self._who_is_left()))
            else:
                self._final(state, found.is_stuck(state))

    def _out_of_time(self) -> str | None:
        late = time.perf_counter() > self.deadline
        return f"more than {self.budget.seconds:g} seconds" if late else None

    def _over_budget(self) -> str | None:
        budget = self.budget
        if budget.states is not None and len(self.keys) > budget.states:
            return f"more than {budget.states} states"
        if (
            budget.megabytes is not None
            and self.bytes + _EDGE_BYTES * len(self.by) > budget.megabytes * 1e6
        ):
            return f"more than {budget.megabytes:g} MB of states"
        return self._out_of_time()

    def _expand(self, state: int) -> bool:
        """Take every step that leaves a state. False if time is up before that is done."""
        st = self.st
        leaves: list[int] = st.leaves
        base = self.codec.decode(self.keys[state])
        if self.symmetry:
            self.symmetry.check(base)
        moved = False
        blocked = waiting = False
        for t in range(len(self.lowered.tasks)):
            if not self.engine.runnable(base, t):
                continue
            choices: tuple[int, ...] | None = ()
            while choices is not None:
                self.trials += 1
                if self.trials % 16 == 0 and time.perf_counter() > self.deadline:
                    return False
                leaves[:] = base
                set_choices(leaves, choices)
                error = ""
                self.alarm.armed = True
                try:
                    outcome = self.engine.step(st, t)
                except MODEL_ERRORS as e:
                    outcome, error = MOVED, _describe(e)
                self.alarm.armed = False
                made, arity = take_choices(leaves)
                if outcome == SPINNING:
                    outcome = take_back(leaves, base)
                if outcome == MOVED:
                    moved = True
                    self._arrive(state, (t, made), error)
                blocked |= outcome == BLOCKED
                waiting |= outcome == WAITING
                choices = next_choices(made, arity)
        if not moved:
            leaves[:] = base
            self.ends[state] = 1
            if blocked:
                self._breach(DEADLOCK, _End(state, detail=self._who_is_left()))
            else:
                self._final(state, waiting)
        return True

    def _arrive(self, state: int, move: Move, error: str) -> None:
        """Judge a step that was taken, and enter the state that it led to if that is new."""
        leaves: list[int] = self.st.leaves
        self.transitions += 1
        broken = leaves[BROKEN]
        if broken:
            leaves[BROKEN] = 0
            for bit, name in self.bits:
                if broken & bit:
                    self._breach(name, _End(state, move))
        bug = leaves[BUG]
        if bug or error:
            name = error.split(":")[0] or bug_name(bug)
            self._breach(MODEL_BUG + name, _End(state, move, error))
            return
        try:
            self._settle()
            key = self.codec.encode(leaves)
        except MisfitError as e:
            self._breach(MODEL_BUG + "OUT_OF_RANGE", _End(state, move, str(e)))
            return
        to = self.index.get(key)
        is_new = to is None
        if to is None:
            to = self._insert(key, self.level[state] + 1)
        by = self.move_index.get(move)
        if by is None:
            by = self.move_index[move] = len(self.moves)
            self.moves.append(move)
        self.source.append(state)
        self.target.append(to)
        self.by.append(by)
        if is_new:
            self._judge(self.always, to)

    def _settle(self) -> None:
        """Make the state at hand the one that stands for all those like it."""
        if self.symmetry:
            self.symmetry.apply(self.st.leaves)
        elif self.canonical:
            self.canonical.apply(self.st.leaves)

    def _insert(self, key: bytes, level: int) -> int:
        number = len(self.keys)
        self.keys.append(key)
        self.index[key] = number
        self.level.append(level)
        self.ends.append(0)
        self.bytes += len(key) + _STATE_OVERHEAD
        return number

    def _breach(self, name: str, end: _End) -> None:
        if name not in self.breaches and (name in self.judged or name.startswith(MODEL_BUG)):
            self.breaches[name] = end

    def _judge(self, functions: Sequence[tuple[str, Holds]], state: int) -> None:
        """Ask each promise that has held so far whether it holds in the state at hand."""
        for name, holds in functions:
            if name not in self.breaches:
                self.alarm.armed = True
                try:
                    if not holds(self.st):
                        self.breaches[name] = _End(state)
                except MODEL_ERRORS as e:
                    error = _describe(e)
                    self._breach(MODEL_BUG + error.split(":")[0], _End(state, detail=error))
                self.alarm.armed = False

    def _final(self, state: int, waiting: bool) -> None:
        self._judge(self.at_end, state)
        if waiting:
            self.stuck[self._who_is_left()] = None
        if satisfies(self.program, self.st, self.program.condition.expr):
            self.positive += 1
            self.finals.setdefault("witness", _End(state))
        else:
            self.negative += 1
            self.finals.setdefault("counterexample", _End(state))

    def _who_is_left(self) -> str:
        """The tasks that cannot go on, each with its statement."""
        leaves = self.st.leaves
        return ", ".join(
            f"{task.name} at {task.statements[leaves[TASKS[t].ip]].text}"
            for t, task in enumerate(self.lowered.tasks)
            if self.engine.runnable(leaves, t)
        )

    def _judge_progress(self, hopeless: Callable[[], int | None]) -> None:
        """A state from which no end can be reached breaks `progress`; deadlocks are ends here."""
        # Behind a bug nothing is explored, so nobody knows; the bug is a finding of its own.
        if any(name.startswith(MODEL_BUG) for name in self.breaches):
            return
        state = hopeless()
        if state is not None:
            self._breach(PROGRESS, _End(state))

    def _hopeless(self) -> int | None:
        """The first state from which no end can be reached."""
        reaches = np.frombuffer(self.ends, dtype=np.uint8) > 0
        source = np.frombuffer(self.source, dtype=np.int32)
        target = np.frombuffer(self.target, dtype=np.int32)
        known = -1
        while known != (known := int(reaches.sum())):
            reaches[source[reaches[target]]] = True
        return None if reaches.all() else int(np.argmin(reaches))

    # --- the answer -----------------------------------------------------------------------------

    def _result(self, reason: str | None, seconds: float) -> Result:
        return Result(
            test=self.program.name,
            design=self.kernel.name,
            grain=self.grain,
            verdict=verdict_of(self.positive, self.negative, reason is None),
            positive=self.positive,
            negative=self.negative,
            states=self.compiled.states if self.compiled else len(self.keys),
            transitions=self.transitions,
            depth=self.compiled.depth if self.compiled else self.level[-1],
            seconds=seconds,
            breaches=self._traces(dict(sorted(self.breaches.items()))),
            finals=self._traces(self.finals),
            unknown_reason=reason,
            stuck=tuple(self.stuck),
            program=self.program,
        )

    def _traces(self, ends: Mapping[str, _End]) -> Traces:
        return Traces(ends, lambda shows: self.trace(shows, ends[shows]))

    def trace(self, shows: str, end: _End) -> Trace:
        """The trace to an end."""
        sentences = {p.name: p.sentence for p in self.promises}
        replay = Replay(
            self.kernel,
            self.lowered,
            self.engine,
            self.canonical,
            self.st,
            self.initial,
            self.symmetry,
        )
        moves = self._shortest(end)
        trace = replay.trace(shows, sentences.get(shows, ""), end.detail, moves)
        if end.move is None:
            assert self.st.leaves == self._leaves(end.state), "the replay went astray"
        if self.symmetry and shows == DEADLOCK:  # the trace may have other tasks than the search
            self.st.leaves[:] = trace.last
            trace = replace(trace, detail=self._who_is_left())
        return trace

    def _leaves(self, state: int) -> list[int]:
        if self.compiled:
            return self.compiled.leaves(state)
        return self.codec.decode(self.keys[state])

    def _shortest(self, end: _End) -> list[Move]:
        """Of the shortest paths to an end, one that switches tasks as rarely as any.

        A compiled search keeps one shortest path only.
        """
        if self.compiled:
            return [*self.compiled.moves_to(end.state), *([end.move] if end.move else [])]
        steps: list[list[tuple[int, int, Move]]] = []  # per level: state, its predecessor, move
        states = {end.state}
        for _ in range(self.level[end.state]):
            found = [
                (state, self.source[e], self.moves[self.by[e]])
                for state in sorted(states)
                for e in self._edges_to(state)
                if self.level[self.source[e]] == self.level[state] - 1
            ]
            steps.append(found)
            states = {source for _, source, _ in found}
        # Per state and task that moved last: the switches so far, and the moves in a linked list.
        best: dict[tuple[int, int], _Way] = {(0, -1): (0, None)}
        for found in reversed(steps):
            ways: dict[tuple[int, int], _Way] = {}
            arrivals: dict[int, list[tuple[int, _Way]]] = {}
            for (state, last), way in best.items():
                arrivals.setdefault(state, []).append((last, way))
            for state, source, move in found:
                for last, (switches, before) in arrivals[source]:
                    cost = switches + (last != move[0])
                    if (state, move[0]) not in ways or cost < ways[state, move[0]][0]:
                        ways[state, move[0]] = (cost, (move, before))
            best = ways
        mover = None if end.move is None else end.move[0]
        _, linked = min(
            ((switches + (last != mover), way) for (_, last), (switches, way) in best.items()),
            key=lambda item: item[0],
        )
        moves = [] if end.move is None else [end.move]
        while linked is not None:
            move, linked = linked
            moves.append(move)
        moves.reverse()
        return moves

    def _edges_to(self, state: int) -> Sequence[int]:
        if self._incoming is None:
            target = np.frombuffer(self.target, dtype=np.int32)
            order = np.argsort(target, kind="stable")
            first = np.searchsorted(target[order], np.arange(len(self.keys) + 1))
            self._incoming = order.tolist(), first.tolist()
        edges, first_of = self._incoming
        return edges[first_of[state] : first_of[state + 1]]


def _kept(search: CompiledSearch) -> str:
    from pagefault.explore import saved

    if saved.save(search) is None:
        return ""
    return f"after {search.states:,} states, which are kept: the same again goes on from there"


def bug_name(code: int) -> str:
    """The name of a BUG_* code."""
    for name, value in vars(consts).items():
        if name.startswith("BUG_") and value == code:
            return name.removeprefix("BUG_")
    return str(code)


def _boot(kernel: Kernel, program: Lowered, frames: int = NR_PFN) -> Any:
    """The machine as it starts. ModelError if a function that prepares it fails."""
    try:
        return boot(kernel, program, frames)
    except MODEL_ERRORS as e:
        raise ModelError(f"{kernel.name} does not boot: {_describe(e)}") from None


def _describe(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.endswith("layout.py"):
            where = frame
            break
    return f"{type(error).__name__}: {error} ({where.filename}:{where.lineno}, {where.name})"
