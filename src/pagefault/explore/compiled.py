"""The compiled search: drives the core of explore/native.py on the arrays of explore/workers.py.

Exact, breadth first, the same states, steps and numbers as the interpreted search, on one core or
several. (Which of two ways of the same length is kept may differ from run to run on several.)
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pagefault import consts, jit
from pagefault.consts import NR_REGS, NR_TASKS
from pagefault.explore import control, native, numbers, remembered, settle
from pagefault.explore.glue import SWITCH, judge_text, statement_text
from pagefault.explore.lower import Lowered
from pagefault.explore.replay import Move
from pagefault.explore.words import decode, record_of
from pagefault.explore.workers import MEMORY, Array, Core, Shared, Tables, Worker

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from pagefault.link import Kernel

__all__ = ["CompiledSearch", "Found", "decode", "unpack_move"]

CORE = [Path(str(m.__file__)) for m in (remembered, numbers, control, settle, native)]
"""The search core: each file imports what stands before it only."""
THE_CORE = "the search itself"
STATEMENTS = 16
CONTROL_STATES = 1 << 16
"""As many as a key has numbers for: 16 bits a task."""
TOGETHER = 2_000
"""States in a level that several workers search at the same time; fewer are not worth it."""
OF_ONE_WORKER = (remembered.GROW_MEMORY, remembered.GROW_EDGES)
"""What a worker makes room for while others go on."""
PROBE = 10_000
"""States that are searched before it is known what each task has for itself."""
MAX_ATTEMPTS = 8
"""How often that may turn out to be wrong before the search does without."""
ESCAPE = 1_000
"""Steps that are tried to leave a state for a later one before all steps are looked at."""

_CORES: dict[tuple[str, ...], Core] = {}


@dataclass
class Found:
    """What a compiled search found. Things that broke first: bits of st.broken and bugs with the
    state and the move that broke them, properties with the state. `ends` has FINAL, STUCK or
    DEADLOCK for each state that no step leaves."""

    transitions: int
    key_bits: int
    bits: dict[int, tuple[int, Move]]
    bugs: dict[int, tuple[int, Move]]
    properties: dict[str, int]
    ends: dict[int, int]

    def is_deadlock(self, state: int) -> bool:
        """Somebody waits for a lock in a state that no step leaves."""
        return self.ends[state] == remembered.DEADLOCK

    def is_stuck(self, state: int) -> bool:
        """Somebody waits for the program in a state that no step leaves."""
        return self.ends[state] == remembered.STUCK


class CompiledSearch:
    """One program on one kernel at one grain, compiled.

    `always` are properties of the state, each with the function that judges it; `st` is the initial
    state; `cores` is how many workers search at the same time. With `reduce`, steps that no other
    task and no promise can tell are taken alone: fewer states, the same ends and verdicts, but ways
    to a breach may be longer.
    """

    def __init__(
        self,
        kernel: Kernel,
        program: Lowered,
        grain: str,
        always: Sequence[tuple[str, str]],
        st: Any,
        *,
        canonical: bool = True,
        cores: int = 1,
        reduce: bool = False,
        disk: Path | None = None,
    ) -> None:
        self.kernel = kernel
        self.program = program
        self.always = always
        self.cores = cores
        self.reduce = reduce
        self._disk = disk
        self._attempts = 0
        self._threads = ThreadPoolExecutor(max(1, cores - 1))
        self.is_full = False  # no number is left for a control state: the search cannot go on
        self._stop_at_yield = grain == "step"
        self._canonical = canonical
        self._initial_state = st
        self._initial = record_of(st)[1].copy()
        self._twins = jit.Twins(kernel)
        self._pointers = self._name_pointers()
        slot, registers = self._make_slots()
        lengths = np.array([len(t.statements) for t in program.tasks], dtype=np.int64)
        self._tables = Tables(slot, registers, self._make_program(), lengths)

    # --- what is compiled ---------------------------------------------------------------------

    def _name_pointers(self) -> list[str]:
        """The functions called by pointer, in the order of their slots: only what can be reached.

        A statement that is a plain function gets a small path of its own.
        """
        self._slot_of: dict[int, int] = {}  # path id -> slot
        statements: dict[str, int] = {}
        roots: list[str] = []
        for task in self.program.tasks:
            for statement in task.statements:
                if statement.path:
                    path = self.kernel.paths[statement.path]
                    assert path is not None
                    roots.append(path.name)
                else:
                    assert statement.function is not None
                    function = statement.function.__name__
                    name = f"statement_{function}"
                    statements.setdefault(name, len(self.kernel.paths) + len(statements))
                    self._twins.add(name, statement_text(name, function, len(statement.operands)))
        self._twins.add("switch_task", SWITCH)
        self._twins.add("judge", judge_text([function for _, function in self.always]))
        reached = self.kernel.reachable(roots)
        names = ["switch_task", "judge"]
        for path in self.kernel.paths:
            if path is not None and path.name in reached:
                self._slot_of[path.id] = len(names)
                names.append(path.name)
        self._statement_ids = statements
        for name, number in statements.items():
            self._slot_of[number] = len(names)
            names.append(name)
        return names

    def missing(self) -> list[str]:
        """What is not compiled yet."""
        core = [] if self._has_core() else [THE_CORE]
        return core + self._twins.missing(self._pointers)

    def compile(self) -> Iterator[str]:
        """Compile what is missing; yields each name when done."""
        core = {} if self._has_core() else {THE_CORE: self._compile_core}
        yield from self._twins.compile(self._pointers, core)

    def compile_beside(self) -> list[BaseProcess]:
        """Begin to compile in processes of their own: the core, and all else."""
        core = {} if self._has_core() else {THE_CORE: self._compile_core}
        jobs = [lambda: self._twins.compile_here(self._pointers, {})]
        if core:
            jobs.append(lambda: self._twins.compile_here([], core))
        context = multiprocessing.get_context("fork")
        processes: list[BaseProcess] = [context.Process(target=job, daemon=True) for job in jobs]
        for process in processes:
            process.start()
        return processes

    def _has_core(self) -> bool:
        return jit.core_is_kept(CORE, "explore_chunk")

    # --- arrays -------------------------------------------------------------------------------

    def _make_program(self) -> Array:
        program = np.zeros(
            (NR_TASKS, STATEMENTS, remembered.OP_FIRST + 2 * NR_REGS), dtype=np.int64
        )
        for t, task in enumerate(self.program.tasks):
            for i, statement in enumerate(task.statements):
                row = program[t, i]
                row[remembered.OP_PATH] = (
                    statement.path
                    or self._statement_ids[
                        f"statement_{getattr(statement.function, '__name__', '')}"
                    ]
                )
                row[remembered.OP_ARGS] = len(statement.operands)
                row[remembered.OP_DEST] = statement.dest
                for k, (source, value) in enumerate(statement.operands):
                    row[remembered.OP_FIRST + 2 * k] = source
                    row[remembered.OP_FIRST + 2 * k + 1] = value
        return program

    def _make_slots(self) -> tuple[Array, Array]:
        """By path id: its slot; and the registers that name frames: how many, then each one's
        number doubled, plus 1 for a PTE."""
        number = len(self.kernel.paths) + len(self._statement_ids)
        slot = np.zeros(number, dtype=np.int64)
        registers = np.zeros((number, 1 + NR_REGS), dtype=np.int64)
        for path_id, s in self._slot_of.items():
            slot[path_id] = s
        for path in self.kernel.paths:
            if path is not None:
                row = registers[path.id]
                for r, kind in enumerate(path.kinds):
                    if kind:
                        row[0] += 1
                        row[row[0]] = 2 * r + (kind == "pte")
        return slot, registers

    def _begin(self) -> None:
        """Empty arrays, and the first state: no bit differs, each task in a control state of its
        own."""
        text = "\n".join(self.kernel.texts.values())
        tasks = len(self.program.tasks)
        self.shared = Shared(text, tasks, self._initial_state, self.cores, self._disk)
        self.workers = [
            Worker(self.shared, self._tables, self._initial_state, me) for me in range(self.cores)
        ]
        for worker in self.workers:
            worker.meta[remembered.STOP_AT_YIELD] = self._stop_at_yield
            worker.meta[remembered.CANONICAL] = self._canonical
            worker.meta[remembered.NOTED] = self.reduce
        self._in_level = False
        self._levels: list[list[int]] = [[] for _ in self.workers]

    def _enter_initial(self) -> None:
        first = self.workers[0]
        shared = self.shared
        self.core.first_key(
            first.machine, shared.where, shared.control, self._tables.registers, first.meta
        )
        states = shared.states
        states.arena[0] = first.machine.loaded
        states.flags[0] = states.mentioned[0] = 0
        states.parent[0] = states.onward[0] = -1
        first.meta[remembered.COUNT] = 1
        if self.cores == 1:  # of several, _level() says which states to expand
            shared.team[numbers.LINE + numbers.END_OF] = 1
        self.core.refill_states(states, 1, 0, self.cores)

    # --- running ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Load the compiled functions and the core; compiles the core if it must."""
        self._paths = np.array([self._twins.address(p) for p in self._pointers], dtype=np.int64)
        self._begin()
        self._touched = np.zeros_like(self.shared.own)
        self._judged = np.zeros_like(self.shared.hidden)
        self.core = self._load_core()
        self._enter_initial()

    def _compile_core(self) -> None:
        self._paths = np.zeros(1, dtype=np.int64)  # their types are all that matters
        self._begin()
        self._load_core()

    def identity(self) -> str:
        """All that the search depends on, in words: the same text, the same search."""
        statements = [[str(vars(s)) for s in task.statements] for task in self.program.tasks]
        made_of = [self._twins.twin(name).module for name in self._pointers]
        parts = (self._stop_at_yield, self._canonical, self.always, statements, made_of)
        return "\n".join(map(str, (*parts, self._initial.tolist(), jit.core_names(CORE))))

    def _load_core(self) -> Core:
        """The core, loaded once: what it is called with has the same types in all searches."""
        key = tuple(jit.core_names(CORE).values())
        if key not in _CORES:
            _CORES[key] = self._make_core()
        return _CORES[key]

    def _make_core(self) -> Core:
        worker, shared = self.workers[0], self.shared
        where, control = shared.where, shared.control

        def load(name: str, *arguments: Any) -> Callable[..., int]:
            return jit.compile_core(CORE, name, arguments)

        first = (worker.machine, where, control, self._tables.registers, worker.meta)
        return Core(
            explore_chunk=load("explore_chunk", *worker.arguments(self._paths, 1)),
            refill_states=load("refill_states", shared.states, 1, 0, 1),
            refill_values=load("refill_values", shared.values, 1, 0, 1),
            move_table=load("move_table", shared.states.table, shared.states.table),
            refill_memory=load("refill_memory", worker.memo, 1),
            refill_control=load("refill_control", where, control, 1),
            first_key=load("first_key", *first),
        )

    def chunk(self, limit: int) -> bool:
        """Expand about `limit` states. Returns whether all are expanded."""
        done = self._level(limit) if self.cores > 1 else self._run(self.workers[0], limit)
        if self.reduce and self._must_begin_again():
            return False
        return done == remembered.DONE

    def _run(self, worker: Worker, limit: int, *, together: bool = False) -> int:
        """Let one worker go on. Returns DONE, LIMIT or, if others go on beside it, what there is no
        room for: they are told to stop."""
        while not self.is_full:
            reason = int(self.core.explore_chunk(*worker.arguments(self._paths, limit)))
            if reason in (remembered.DONE, remembered.LIMIT):
                return reason
            if together and reason not in OF_ONE_WORKER:
                self.shared.team[numbers.STOP] = 1
                return reason
            self._make_room(worker, reason)
        return remembered.LIMIT

    def _make_room(self, worker: Worker, reason: int) -> None:
        """Room for what the core had none for."""
        shared = self.shared
        if reason == remembered.GROW_STATES:
            self._grow_states()
        elif reason == remembered.GROW_VALUES:
            self._make_values(8 * len(shared.values.judged))
        elif reason == remembered.GROW_EDGES:
            worker.grow_edges()
        elif reason == remembered.GROW_KEY:
            self._grow_key()
        elif reason == remembered.GROW_LOCALS:
            room = len(shared.control.rows)
            self.is_full = room == CONTROL_STATES
            if not self.is_full:
                count = int(shared.control.count[0])
                shared.grow_control(2 * room, count, self.core.refill_control)
                for each in self.workers:
                    each.fit_control()
        elif 2 * len(worker.memo.index) <= MEMORY:
            worker.grow_memory(self.core.refill_memory)
        else:
            worker.forget(MEMORY)

    def _grow_states(self) -> None:
        """Room for more states if that is what is missing, and a larger table."""
        shared = self.shared
        slack = len(self.workers[0].found.keys)
        end = max(int(w.number(w.count + slack)) for w in self.workers)
        if end >= len(shared.states.parent):
            shared.make_states(2 * len(shared.states.parent), min(end, len(shared.states.parent)))
        if (self.states + slack * self.cores) * 5 > len(shared.states.table) * 3:
            shared.grow_table(self.core.move_table)

    def _make_values(self, room: int) -> None:
        """Room for so many values."""
        shared, counts = self.shared, [int(w.meta[remembered.VALUES]) for w in self.workers]
        end = max(int(w.number(n)) for w, n in zip(self.workers, counts, strict=True))
        shared.make_values(room, end)
        for me, n in enumerate(counts):
            self.core.refill_values(shared.values, n, me, self.cores)
        for worker in self.workers:
            worker.fit_values(end)

    def _grow_key(self) -> None:
        """Room for more bits. What is remembered, by words of values, is forgotten."""
        shared, first = self.shared, self.workers[0]
        shared.grow_key()
        if shared.numbered:
            self._make_values(len(shared.values.judged))
        else:
            states = np.concatenate([w.states() for w in self.workers])
            first.meta[remembered.VALUES] = shared.number_values(states)
            self.core.refill_values(
                shared.values, int(first.meta[remembered.VALUES]), 0, self.cores
            )
            self.refill_states(len(shared.states.table))
        for worker in self.workers:
            worker.fit_key()
            worker.forget(len(worker.memo.index))

    def refill_states(self, slots: int) -> None:
        """A new table of all states, of at least so many slots."""
        while 5 * (self.states + 2 * remembered.MAX_SUCCESSORS) > 3 * slots:
            slots *= 2
        self.shared.empty_table(slots)
        for me, worker in enumerate(self.workers):
            self.core.refill_states(self.shared.states, worker.count, me, self.cores)

    # --- several workers ----------------------------------------------------------------------

    def _level(self, limit: int) -> int:
        """Let all workers go on, to the end of the level at most. Returns DONE if there is nothing
        more, else LIMIT."""
        lines = self.shared.team[numbers.LINE :].reshape(self.cores, numbers.LINE)
        if not self._in_level:
            lines[:, numbers.NEXT_OF] = lines[:, numbers.END_OF]
            lines[:, numbers.END_OF] = [w.count for w in self.workers]
            for of, starts in enumerate(self._levels):
                starts.append(int(lines[of, numbers.NEXT_OF]))
        wait = int((lines[:, numbers.END_OF] - lines[:, numbers.NEXT_OF]).clip(0).sum())
        if not self._in_level:
            if not wait:
                return remembered.DONE
            self._in_level = True
        if wait < TOGETHER:
            reasons = [self._run(worker, limit) for worker in self.workers]
        else:
            reasons = self._together(limit // self.cores)
        if all(reason == remembered.DONE for reason in reasons):
            self._in_level = False
            if any(
                w.count > end for w, end in zip(self.workers, lines[:, numbers.END_OF], strict=True)
            ):
                self.workers[0].meta[remembered.DEPTH] += 1
        return remembered.LIMIT

    def _together(self, limit: int) -> list[int]:
        """Let all workers go on at the same time."""

        def go_on(worker: Worker) -> int:
            return self._run(worker, limit, together=True)

        first, *others = self.workers
        running = [self._threads.submit(go_on, worker) for worker in others]
        reasons = [go_on(first), *(r.result() for r in running)]
        self.shared.team[numbers.STOP] = 0
        for worker, reason in zip(self.workers, reasons, strict=True):
            if reason not in (remembered.DONE, remembered.LIMIT):
                self._make_room(worker, reason)
        return reasons

    # --- fewer states -------------------------------------------------------------------------

    @property
    def is_reduced(self) -> bool:
        """Whether states were left out that make no difference."""
        return bool(self.workers[0].meta[remembered.REDUCED])

    def _must_begin_again(self) -> bool:
        """Take what each task touched until now, and nobody else, to be its own.

        What is found to be otherwise is not, from then on, and the search begins again. (The first
        step that touches what it was not known to touch is found, since until then all is as in the
        full search but for the order of steps that do not depend on each other.)
        """
        if self.is_reduced:
            if not self._sum(remembered.SPREAD) and not self._sum(remembered.CONTROL_SEEN):
                return False
        elif self.states < PROBE:
            return False
        if self._sum(remembered.CONTROL_SEEN) or self._attempts == MAX_ATTEMPTS:
            self.reduce = False
            if self.is_reduced:
                self._begin()
                self._enter_initial()
            return True
        self._attempts += 1
        for worker in self.workers:
            self._touched |= worker.touched
            self._judged |= worker.judged
        self._begin()
        own = self.shared.own
        for t in range(len(own)):
            others = np.delete(self._touched, t, axis=0)
            own[t] = self._touched[t] & ~np.bitwise_or.reduce(others, axis=0, initial=0)
        self.shared.hidden[:] = np.bitwise_or.reduce(own, axis=0) & ~self._judged
        for worker in self.workers:
            worker.meta[remembered.REDUCED] = 1
        self._enter_initial()
        return True

    def _sum(self, counter: int) -> int:
        return sum(int(w.meta[counter]) for w in self.workers)

    # --- where states lead --------------------------------------------------------------------

    def hopeless(self) -> int | None:
        """The first state from which no end can be reached; None if there is none.

        Each state but an end names one that it leads to, a later one if it can. So all is well if
        the way from each of the others, by those names, comes to an end or to a later state than
        where it began.
        """
        flags, onward = self.shared.states.flags, self.shared.states.onward
        at = self._those(flags[: self._end()] == 0)
        began = self._rank(at)
        for _ in range(ESCAPE):
            if not len(at):
                return None
            at = onward[at].astype(np.int64)
            left = ~self._is_end(at) & (self._rank(at) <= began)
            at, began = at[left], began[left]
        return self._hopeless_of_all()

    def _end(self) -> int:
        """What is more than the number of any state."""
        return max(int(w.number(w.count)) for w in self.workers)

    def _those(self, which: Array) -> Array:
        """The numbers of the states of which this is so."""
        found = np.flatnonzero(which)
        if self.cores == 1:
            return found
        k, of = self._place(found)
        return found[k < np.array([w.count for w in self.workers])[of]]

    def _place(self, states: Array) -> tuple[Array, Array]:
        """The inverse of Worker.number(), with the numbers of the workers."""
        block = states >> numbers.BLOCK
        k = block // self.cores << numbers.BLOCK | states & (1 << numbers.BLOCK) - 1
        return k, block % self.cores

    def _hopeless_of_all(self) -> int | None:
        states = self._those(np.ones(self._end(), dtype=np.bool_))
        source, to, _ = self._edges(states)
        reaches = np.zeros(states.max() + 1, dtype=np.bool_)
        reaches[states[self._is_end(states)]] = True
        known = -1
        while known != (known := int(reaches.sum())):
            reaches[source[reaches[to]]] = True
        left = states[~reaches[states]]
        return int(left[np.argmin(self._rank(left))]) if len(left) else None

    def _is_end(self, states: Array) -> Array:
        end: Array = self.shared.states.flags[states] & remembered.END_MASK > 0
        return end

    def _rank(self, states: Array) -> Array:
        """The order in which states were found, as far as it is one: by level."""
        if self.cores == 1:
            return states
        rank = np.zeros(len(states), dtype=np.int64)
        k, of = self._place(states)
        for me, starts in enumerate(self._levels):
            rank[of == me] = np.searchsorted(np.array(starts), k[of == me], "right")
        return rank

    def _in_order(self, states: list[int]) -> list[int]:
        """Nearest to the initial state first."""
        ids = np.array(states, dtype=np.int64)
        order: list[int] = ids[np.argsort(self._rank(ids), kind="stable")].tolist()
        return order

    def _edges(self, states: Array) -> tuple[Array, Array, Array]:
        """The steps that leave some states: from where, to where, the move."""
        worker = self.workers[0]
        meta = worker.meta
        taken = int(meta[remembered.TAKEN])
        worker.list_states(np.ascontiguousarray(states, dtype=np.int64))
        meta[remembered.LISTED] = len(states)
        meta[remembered.NEXT] = meta[remembered.EDGES] = 0
        self._run(worker, len(states))
        meta[remembered.LISTED], meta[remembered.TAKEN] = -1, taken
        n = int(meta[remembered.EDGES])
        return worker.edges.source[:n], worker.edges.to[:n], worker.edges.move[:n]

    # --- what was found -----------------------------------------------------------------------

    def bytes(self) -> int:
        """Bytes that the states take now, and what is remembered of steps."""
        return self.shared.bytes() + sum(w.bytes() for w in self.workers)

    def leaves(self, state: int) -> list[int]:
        """The flat list of a state."""
        shared = self.shared
        where, control = shared.where, shared.control
        ids = where.id_words
        key = shared.states.arena[state]
        words = self._initial.copy()
        words &= ~where.local_bits
        value = shared.values.rows[int(key[ids])] if shared.numbered else key[ids:]
        bits = np.unpackbits(value.view(np.uint8), bitorder="little")
        for bit in shared.bits.bit_of[np.flatnonzero(bits)]:
            words[bit >> 6] ^= np.uint64(1) << np.uint64(bit & 63)
        for t in range(len(self.program.tasks)):
            number = int(key[t >> 2]) >> 16 * (t & 3) & 0xFFFF
            row, used = control.rows[number], int(control.used[number])
            start, length = where.header[t]
            words[start : start + length] |= row[:length]
            start = where.frames[0, t]
            words[start : start + used] = row[remembered.HEADER : remembered.HEADER + used]
        return decode(words)

    def _parent(self, state: int) -> int:
        return int(self.shared.states.parent[state])

    def moves_to(self, state: int) -> list[Move]:
        """A shortest path to a state."""
        moves: list[Move] = []
        while state > 0:
            parent = self._parent(state)
            _, to, move = self._edges(np.array([parent]))
            moves.append(unpack_move(int(move[np.flatnonzero(to == state)[0]])))
            state = parent
        return moves[::-1]

    def steps_to(self, state: int, move: Move | None) -> int:
        """Steps from the initial state to where a move from `state` leads, or to `state`."""
        steps = int(move is not None)
        while state > 0:
            state = self._parent(state)
            steps += 1
        return steps

    @property
    def ran_out_of_frames(self) -> bool:
        """A larger machine may do more."""
        row = remembered.ROW_BUGS + consts.BUG_NO_FREE_FOLIO
        return any(bool(w.first[row, 0] >= 0) for w in self.workers)

    @property
    def states(self) -> int:
        """States found so far."""
        return self._sum(remembered.COUNT)

    @property
    def taken(self) -> int:
        """Steps that were taken; all others were looked up."""
        return self._sum(remembered.TAKEN)

    @property
    def alone(self) -> int:
        """States of which one step only was taken, since nobody can tell it from none."""
        return self._sum(remembered.ALONE)

    @property
    def depth(self) -> int:
        """Steps from the initial state to the farthest."""
        return self._sum(remembered.DEPTH)

    def _first(self) -> list[tuple[int, int, int]]:
        """What broke, each once: row, state and move of the shortest way."""
        firsts: dict[int, tuple[int, int, int]] = {}
        for w in self.workers:
            for row in np.flatnonzero(w.first[:, 0] >= 0).tolist():
                state, move = int(w.first[row, 0]), int(w.first[row, 1])
                steps = self.steps_to(state, None)
                firsts[row] = min(firsts.get(row, (1 << 60, 0, 0)), (steps, state, move))
        return [(row, state, move) for row, (_, state, move) in sorted(firsts.items())]

    def found(self) -> Found:
        """The numbers, and the first state or step that breaks each thing."""
        rows = self._first()
        moves = {row: (s, unpack_move(m)) for row, s, m in rows if m >= 0}
        flags = self.shared.states.flags
        last = self._those(flags[: self._end()] & remembered.END_MASK != 0)
        flags = flags[last] & remembered.END_MASK
        ends = dict(zip(last.tolist(), flags.tolist(), strict=True))
        return Found(
            transitions=self._sum(remembered.TRANSITIONS),
            key_bits=16 * len(self.program.tasks) + int(self.shared.bits.count[0]),
            bits={row: m for row, m in moves.items() if row < remembered.ROW_PROPERTIES},
            bugs={
                row - remembered.ROW_BUGS: m
                for row, m in moves.items()
                if row >= remembered.ROW_BUGS
            },
            properties={
                self.always[row - remembered.ROW_PROPERTIES][0]: s for row, s, m in rows if m < 0
            },
            ends={s: ends[s] for s in self._in_order(list(ends))},
        )


def unpack_move(packed: int) -> Move:
    """The task and the choices of a packed move."""
    nr = packed >> (4 + remembered.CHOICE_BITS * consts.NR_CHOICES)
    mask = remembered.CHOICE_MASK
    choices = tuple((packed >> (4 + remembered.CHOICE_BITS * i)) & mask for i in range(nr))
    return packed & 15, choices
