"""The compiled search: makes the arrays that explore/native.py works on, and drives it.

Exact, breadth first, the same states, steps and numbers as the interpreted search.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pagefault import consts, jit
from pagefault.consts import (
    NR_FRAMES,
    NR_PFN,
    NR_REGS,
    NR_TASKS,
)
from pagefault.errors import ModelError
from pagefault.explore import native, remembered, settle
from pagefault.explore.canonical import RECORDS, ROOTS
from pagefault.explore.lower import Lowered
from pagefault.explore.replay import Move
from pagefault.explore.words import (
    OFFSETS,
    WORDS,
    control_bits,
    decode,
    last_frame,
    longer,
    naming_bits,
    record_bits,
    record_of,
    table_of,
    word_of,
    words_of,
)
from pagefault.layout import LEAVES, STATE

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = ["CompiledSearch", "Found", "decode", "unpack_move"]

CORE = [Path(str(m.__file__)) for m in (remembered, settle, native)]
"""The search core: each file imports what stands before it only."""
STATEMENTS = 16
CONTROL_STATES = 1 << 16
"""As many as a key has numbers for: 16 bits a task."""
MEMORY = 1 << 21
"""Rows of what is remembered of steps, at most; then it is forgotten and begun anew."""
# Plain tuples of arrays for Numba. Where things stand in the record.
Where = namedtuple(
    "Where",
    "scan scan_at frames header owner local_bits id_words roots inner records record_words"
    " naming_bits record_bits last_frame changed",
)
# The record that steps are taken in, its marks, and the key that it stands for.
Machine = namedtuple("Machine", "states words base raw marks loaded")
# The states: what `arena`, `parent`, `flags` and `mentioned` hold by number, and their table.
Keys = namedtuple("Keys", "arena table parent flags mentioned number_of bit_of naming renaming")
Control = namedtuple("Control", "rows table task used names")
# What is remembered: rows and what they stand for; masks, their lists and tree; renamings.
Memo = namedtuple(
    "Memo",
    "table rows value row mask marks next first is_split limit fixed root delta new_names mentions",
)
Outs = namedtuple("Outs", "info delta")
Work = namedtuple(
    "Work",
    "key choices arities slot registers program lengths names frames old renamed",
)
FoundStates = namedtuple("FoundStates", "keys hashes slot source move mentioned")


# What explore/native.py itself reads and writes of the state, whether a path spells it or not.
_TOUCHED_BY_CORE = frozenset(
    [
        "task",
        "state",
        "ip",
        "depth",
        "retval",
        "reg",
        "frame",
        "path",
        "pc",
        "broken",
        "bug",
        "nr_choices",
        "choice",
        "arity",
    ]
)
_FRAME_BYTES = int(STATE.fields["task"][0].base.fields["frame"][0].base.itemsize)


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
    ends: np.ndarray[Any, np.dtype[np.uint8]]

    def is_deadlock(self, state: int) -> bool:
        """Somebody waits for a lock in a state that no step leaves."""
        return bool(self.ends[state] == remembered.DEADLOCK)

    def is_stuck(self, state: int) -> bool:
        """Somebody waits for the program in a state that no step leaves."""
        return bool(self.ends[state] == remembered.STUCK)


class CompiledSearch:
    """One program on one kernel at one grain, compiled.

    `always` are properties of the state, each with the function that judges it; `st` is the initial
    state.
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
    ) -> None:
        self.kernel = kernel
        self.program = program
        self.always = always
        self._twins = jit.Twins(kernel)
        self._pointers = self._name_pointers()
        self._states, self._words, self._marks = record_of(st)
        self._initial = self._words.copy()
        self._base = self._words.copy()
        self._loaded = np.zeros(0, dtype=np.uint64)
        self.is_full = False  # no number is left for a control state: the search cannot go on
        self._where = self._make_where(st)
        self.meta = np.zeros(remembered.NR_META, dtype=np.int64)
        self.meta[remembered.TASKS] = len(program.tasks)
        self.meta[remembered.STOP_AT_YIELD] = grain == "step"
        self.meta[remembered.CANONICAL] = canonical
        self._first = np.full((remembered.NR_ROWS, 2), -1, dtype=np.int64)

    # --- what is compiled ---------------------------------------------------------------------

    def _name_pointers(self) -> list[str]:
        """The functions called by pointer, in the order of their slots: only what can be reached.

        A statement that is a plain function gets a small path of its own.
        """
        self._ids: dict[int, int] = {}  # path id -> slot
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
                    name = f"statement_{statement.function.__name__}"
                    statements.setdefault(name, len(self.kernel.paths) + len(statements))
                    self._twins.add(
                        name, _statement(name, statement.function.__name__, len(statement.operands))
                    )
        self._twins.add("switch_task", _SWITCH)
        self._twins.add("judge", _judge([function for _, function in self.always]))
        reached = self.kernel.reachable(roots)
        names = ["switch_task", "judge"]
        for path in self.kernel.paths:
            if path is not None and path.name in reached:
                self._ids[path.id] = len(names)
                names.append(path.name)
        self._statement_ids = statements
        for name, number in statements.items():
            self._ids[number] = len(names)
            names.append(name)
        return names

    def missing(self) -> list[str]:
        """What is not compiled yet."""
        return [name for name in self._pointers if not self._twins.is_kept(name)]

    def compile(self) -> Iterator[str]:
        """Compile what is missing; yields each name when done."""
        yield from self._twins.compile(self._pointers)

    @property
    def fits(self) -> bool:
        """Whether all that the program can reach has room among the pointers."""
        return len(self._pointers) <= jit.POINTERS

    def _load(self) -> tuple[Any, ...]:
        if not self.fits:
            raise ModelError(
                f"the program reaches {len(self._pointers)} functions that are called by pointer,"
                f" the compiled search has room for {jit.POINTERS}"
            )
        functions = [self._twins.load(name) for name in self._pointers]
        functions += [functions[0]] * (jit.POINTERS - len(functions))
        return tuple(functions)

    # --- arrays -------------------------------------------------------------------------------

    def _make_program(self) -> np.ndarray[Any, Any]:
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

    def _make_slots(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """By path id: its slot; and the registers that name frames: how many, then each one's
        number doubled, plus 1 for a PTE."""
        number = len(self.kernel.paths) + len(self._statement_ids)
        slot = np.zeros(number, dtype=np.int64)
        registers = np.zeros((number, 1 + NR_REGS), dtype=np.int64)
        for path_id, s in self._ids.items():
            slot[path_id] = s
        for path in self.kernel.paths:
            if path is not None:
                row = registers[path.id]
                for r, kind in enumerate(path.kinds):
                    if kind:
                        row[0] += 1
                        row[row[0]] = 2 * r + (kind == "pte")
        return slot, registers

    def _make_where(self, st: Any) -> Any:
        used = self._used_leaves(st)
        roots = [i for i in ROOTS if i in used]
        records = [[i for i in record if i in used] for record in RECORDS]
        tasks = range(len(self.program.tasks))
        frames = np.zeros((2, NR_TASKS), dtype=np.int64)
        frames[0] = [word_of(f"task[{t}].frame[0].path") for t in range(NR_TASKS)]
        frames[1, 0] = _FRAME_BYTES
        frames[1, 1] = NR_FRAMES * _FRAME_BYTES // 8
        local_bits = np.zeros(WORDS, dtype=np.uint64)
        owner = np.full(WORDS, -1, dtype=np.int64)
        header = np.zeros((NR_TASKS, 2), dtype=np.int64)
        in_frames: set[int] = set()
        for t in tasks:
            control = control_bits(t)
            words = np.flatnonzero(control)
            local_bits |= control
            owner[words] = t
            inside = range(frames[0, t], frames[0, t] + frames[1, 1])
            in_frames.update(inside)
            before = [w for w in words if w not in inside]
            header[t] = before[0], before[-1] - before[0] + 1
            assert header[t, 1] <= remembered.HEADER
        scan = sorted(
            {
                w
                for i in used
                for w in range(OFFSETS[i, 0] // 8, (OFFSETS[i].sum() - 1) // 8 + 1)
                if w not in in_frames
            }
        )
        scan_at = np.full(WORDS, -1, dtype=np.int64)
        scan_at[scan] = np.arange(len(scan))
        return Where(
            scan=np.array(scan, dtype=np.uint64),
            scan_at=scan_at,
            frames=frames,
            header=header,
            owner=owner,
            local_bits=local_bits,
            id_words=-(-len(tasks) // 4),
            roots=table_of(roots),
            inner=np.array([table_of([i for i in r if LEAVES[i].kind]) for r in records]),
            records=np.array([table_of(r) for r in records]),
            record_words=np.array([words_of(r) for r in RECORDS]),
            naming_bits=naming_bits(used),
            record_bits=record_bits(),
            last_frame=last_frame(),
            changed=np.zeros(WORDS + 1, dtype=np.int64),
        )

    def _used_leaves(self, st: Any) -> set[int]:
        """Leaves that this machine has and that some function of the kernel can name.

        A path that touches an array of the state or a field spells its name.
        """
        text = "\n".join(self.kernel.texts.values())
        spelled = set(re.findall(r"\.(\w+)", text)) | _TOUCHED_BY_CORE
        limits = {
            "task": st.nr_tasks,
            "cpu": st.nr_cpus,
            "mm": st.nr_mms,
            "ptpage": st.nr_ptpages,
            "pin": st.nr_pins,
            "pipe": st.nr_pipes,
            "vma": st.nr_vpns,
            "shadow": st.nr_vpns,
            "tlb": st.nr_vpns,
        }
        used = set()
        for i, leaf in enumerate(LEAVES):
            parts = re.findall(r"(\w+)(?:\[(\d+)\])?", leaf.path)
            if all(
                name in spelled and (not index or int(index) < limits.get(name, 1 << 30))
                for name, index in parts
            ):
                used.add(i)
        return used

    def _make_arrays(self) -> None:
        """Room for some states, control states and memories; _grow() makes more."""
        ids = self._where.id_words
        states = 1 << 16
        self._keys = Keys(
            arena=np.zeros((states, ids), dtype=np.uint64),
            table=np.zeros(2 * states, dtype=np.uint64),
            parent=np.empty(states, dtype=np.int32),
            flags=np.zeros(states, dtype=np.uint8),
            mentioned=np.zeros(states, dtype=np.uint8),
            number_of=np.full(WORDS * 64, -1, dtype=np.int64),
            bit_of=np.zeros(0, dtype=np.int64),
            naming=np.zeros(0, dtype=np.uint64),
            renaming=np.zeros(0, dtype=np.uint64),
        )
        self._control = Control(
            rows=np.zeros((0, remembered.HEADER + NR_FRAMES * _FRAME_BYTES // 8), dtype=np.uint64),
            table=np.zeros(2, dtype=np.int64),
            task=np.zeros(0, dtype=np.int64),
            used=np.zeros(0, dtype=np.int64),
            names=np.zeros(0, dtype=np.uint64),
        )
        self._memo: Any = None
        self._grow_key(2)
        self._grow_control(1 << 10)
        self._forget(1 << 14)

    def _grow_key(self, words: int) -> None:
        """Make keys longer. What is remembered, by the words of keys, is forgotten."""
        keys, width = self._keys, self._where.id_words + words
        arena = np.zeros((len(keys.arena), width), dtype=np.uint64)
        arena[: self.states, : keys.arena.shape[1]] = keys.arena[: self.states]
        self._keys = keys._replace(
            arena=arena,
            bit_of=longer(keys.bit_of, 64 * words),
            naming=longer(keys.naming, words),
            renaming=longer(keys.renaming, words),
            table=np.zeros_like(keys.table),
        )
        loaded = np.zeros(width, dtype=np.uint64)
        if self._memo is not None:
            loaded[: keys.arena.shape[1]] = self._loaded
            self._forget(len(self._memo.rows))
            self._refill_states(self._keys.table, arena, self.states)
        self._machine = Machine(
            states=self._states,
            words=self._words,
            base=self._base,
            raw=self._words.view(np.uint8),
            marks=self._marks,
            loaded=loaded,
        )
        self._loaded = loaded
        found = 2 * remembered.MAX_SUCCESSORS
        self._found = FoundStates(
            keys=np.zeros((found, width), dtype=np.uint64),
            hashes=np.zeros(found, dtype=np.uint64),
            slot=np.zeros(found, dtype=np.uint64),
            source=np.zeros(found, dtype=np.int64),
            move=np.zeros(found, dtype=np.int64),
            mentioned=np.zeros(found, dtype=np.int64),
        )
        self._work = self._make_work(width)

    def _grow_states(self) -> None:
        keys, room = self._keys, 2 * len(self._keys.parent)
        arena = np.empty((room, keys.arena.shape[1]), dtype=np.uint64)
        arena[: self.states] = keys.arena[: self.states]
        self._keys = keys._replace(
            arena=arena,
            table=np.zeros(2 * room, dtype=np.uint64),
            parent=longer(keys.parent, room),
            flags=longer(keys.flags, room),
            mentioned=longer(keys.mentioned, room),
        )
        self._refill_states(self._keys.table, arena, self.states)

    def _grow_control(self, room: int) -> None:
        control, count = self._control, int(self.meta[remembered.LOCALS])
        rows = np.zeros((room, control.rows.shape[1]), dtype=np.uint64)
        rows[: len(control.rows)] = control.rows
        self._control = Control(
            rows=rows,
            table=np.zeros(2 * room, dtype=np.int64),
            task=longer(control.task, room),
            used=longer(control.used, room),
            names=longer(control.names, room),
        )
        if count:
            self._refill_control(self._where, self._control, count)
            self._memo = self._memo._replace(root=longer(self._memo.root, room, -1))

    def _forget(self, room: int) -> None:
        """A memory of this many rows, with nothing in it."""
        words = len(self._keys.naming)
        masks, nodes = room // 4, room // 4
        self._memo = Memo(
            table=np.zeros(2 * room, dtype=np.uint64),
            rows=np.zeros((room, words + 1), dtype=np.uint64),
            value=np.zeros(room, dtype=np.int64),
            row=np.zeros(words + 1, dtype=np.uint64),
            mask=np.zeros((masks, words), dtype=np.uint64),
            marks=np.zeros((masks + 1, len(self._where.scan)), dtype=np.uint64),
            next=np.zeros(masks, dtype=np.int64),
            first=np.full(nodes, -1, dtype=np.int64),
            is_split=np.zeros(nodes, dtype=np.uint8),
            limit=np.full(nodes, remembered.SPLIT_AT, dtype=np.int64),
            fixed=np.zeros((nodes, words), dtype=np.uint64),
            root=np.full(len(self._control.rows), -1, dtype=np.int64),
            delta=np.zeros((room // 4, words), dtype=np.uint64),
            new_names=np.zeros(room // 4, dtype=np.uint64),
            mentions=np.zeros(room // 4, dtype=np.int64),
        )
        outs = room + 2 * remembered.MAX_SUCCESSORS
        self._outs = Outs(
            info=np.zeros((outs, remembered.NR_INFO), dtype=np.int64),
            delta=np.zeros((outs, len(self._machine_key())), dtype=np.uint64),
        )
        for counter in (remembered.ROWS, remembered.OUTS, remembered.MASKS, remembered.RENAMINGS):
            self.meta[counter] = 0
        self.meta[remembered.NODES] = 1

    def _machine_key(self) -> np.ndarray[Any, Any]:
        return np.zeros(self._keys.arena.shape[1], dtype=np.uint64)

    def _make_work(self, width: int) -> Any:
        choices = max(NR_PFN, consts.NR_CHOICES)
        slot, registers = self._slots
        return Work(
            key=np.zeros(width, dtype=np.uint64),
            choices=np.zeros(choices, dtype=np.int64),
            arities=np.zeros(choices, dtype=np.int64),
            slot=slot,
            registers=registers,
            program=self._program,
            lengths=self._lengths,
            names=np.zeros(NR_PFN, dtype=np.int64),
            frames=np.zeros((3, NR_PFN), dtype=np.int64),
            old=np.zeros((NR_PFN, len(RECORDS[0])), dtype=np.int64),
            renamed=np.zeros(NR_TASKS, dtype=np.int64),
        )

    def _enter_initial(self) -> None:
        """The first state: no bit differs, each task in the first control state of its own."""
        self._first_key(
            self._machine, self._where, self._control, self._memo, self._slots[1], self.meta
        )
        self._keys.arena[0] = self._machine.loaded
        self.meta[remembered.COUNT] = 1
        self.meta[remembered.LEVEL_END] = 1
        self._refill_states(self._keys.table, self._keys.arena, 1)

    # --- running ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Load the compiled functions and the core; compiles the core if it must."""
        self._paths = self._load()
        self._program = self._make_program()
        self._lengths = np.array([len(t.statements) for t in self.program.tasks], dtype=np.int64)
        self._slots = self._make_slots()
        self._make_arrays()
        keys, control = self._keys, self._control
        self._refill_states = self._core("refill_states", keys.table, keys.arena, 1)
        self._refill_control = self._core("refill_control", self._where, control, 1)
        first_key = (self._machine, self._where, control, self._memo, self._slots[1], self.meta)
        self._first_key = self._core("first_key", *first_key)
        self._explore_chunk = self._core("explore_chunk", *self._arguments(None), 1)
        self._enter_initial()

    def _core(self, name: str, *arguments: Any) -> Callable[..., Any]:
        return jit.compile_core(CORE, name, arguments)

    def _arguments(self, paths: Any) -> tuple[Any, ...]:
        return (
            self._machine,
            self._where,
            self._keys,
            self._control,
            self._memo,
            self._outs,
            self._work,
            self._found,
            paths,
            self._first,
            self.meta,
        )

    def chunk(self, limit: int) -> bool:
        """Expand at most `limit` states. Returns whether all are expanded."""
        while True:
            reason = int(self._explore_chunk(*self._arguments(self._paths), limit))
            if reason in (remembered.DONE, remembered.LIMIT):
                return reason == remembered.DONE
            self._make_room(reason)
            if self.is_full:
                return False

    def _make_room(self, reason: int) -> None:
        """Room for what the core had none for."""
        if reason == remembered.GROW_STATES:
            self._grow_states()
        elif reason == remembered.GROW_KEY:
            self._grow_key(len(self._keys.naming) + 1)
        elif reason == remembered.GROW_LOCALS:
            self.is_full = len(self._control.rows) == CONTROL_STATES
            if not self.is_full:
                self._grow_control(2 * len(self._control.rows))
        else:
            self._forget(min(2 * len(self._memo.rows), MEMORY))

    def reach_back(self, reaches: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        """Make `reaches` true for every state from which one is reached for which it is true."""
        ends = self._keys.flags[: self.states] & remembered.END_MASK > 0
        if (reaches >= ends).all() and (self._keys.flags[: self.states] > 0).all():
            # From each state but an end a step leads on to one with a higher number.
            reaches[:] = True
            return
        core = self._core("reach_back", *self._arguments(None), reaches)
        spread = -1
        while spread:
            spread = int(core(*self._arguments(self._paths), reaches))
            if spread < 0:
                self._make_room(int(self.meta[remembered.NEED]))

    # --- what was found -----------------------------------------------------------------------

    def bytes(self) -> int:
        """Bytes that the table of states takes now, and what is remembered of steps."""
        parts = (self._keys, self._control, self._memo, self._outs)
        return sum(a.nbytes for part in parts for a in part if isinstance(a, np.ndarray))

    def leaves(self, state: int) -> list[int]:
        """The flat list of a state."""
        ids = self._where.id_words
        key = self._keys.arena[state]
        words = self._initial.copy()
        words &= ~self._where.local_bits
        bits = np.unpackbits(key[ids:].view(np.uint8), bitorder="little")
        for bit in self._keys.bit_of[np.flatnonzero(bits)]:
            words[bit >> 6] ^= np.uint64(1) << np.uint64(bit & 63)
        for t in range(len(self.program.tasks)):
            number = int(key[t >> 2]) >> 16 * (t & 3) & 0xFFFF
            row, used = self._control.rows[number], int(self._control.used[number])
            start, length = self._where.header[t]
            words[start : start + length] |= row[:length]
            start = self._where.frames[0, t]
            words[start : start + used] = row[remembered.HEADER : remembered.HEADER + used]
        return decode(words)

    def moves_to(self, state: int) -> list[Move]:
        """A shortest path to a state."""
        core = self._core("find_move", *self._arguments(None), 0, 0)
        moves: list[Move] = []
        kept = self.meta.copy()
        while state > 0:
            parent = int(self._keys.parent[state])
            move = -1
            while move < 0:
                move = int(core(*self._arguments(self._paths), parent, state))
                if move < 0:
                    self._make_room(int(self.meta[remembered.NEED]))
            moves.append(unpack_move(move))
            state = parent
        self.meta[remembered.TRANSITIONS] = kept[remembered.TRANSITIONS]
        return moves[::-1]

    @property
    def ran_out_of_frames(self) -> bool:
        """A larger machine may do more."""
        return bool(self._first[remembered.ROW_BUGS + consts.BUG_NO_FREE_FOLIO, 0] >= 0)

    def steps_to(self, state: int, move: Move | None) -> int:
        """Steps from the initial state to where a move from `state` leads, or to `state`."""
        steps = int(move is not None)
        while state > 0:
            state = int(self._keys.parent[state])
            steps += 1
        return steps

    @property
    def states(self) -> int:
        """States found so far."""
        return int(self.meta[remembered.COUNT])

    @property
    def taken(self) -> int:
        """Steps that were taken; all others were looked up."""
        return int(self.meta[remembered.TAKEN])

    @property
    def depth(self) -> int:
        """Steps from the initial state to the farthest."""
        return int(self.meta[remembered.DEPTH])

    def found(self) -> Found:
        """The numbers, and the first state or step that breaks each thing."""
        rows = [(row, int(s), int(m)) for row, (s, m) in enumerate(self._first) if s >= 0]
        moves = {row: (s, unpack_move(m)) for row, s, m in rows if m >= 0}
        return Found(
            transitions=int(self.meta[remembered.TRANSITIONS]),
            key_bits=16 * len(self.program.tasks) + int(self.meta[remembered.BITS]),
            bits={row: m for row, m in moves.items() if row < remembered.ROW_PROPERTIES},
            bugs={
                row - remembered.ROW_BUGS: m
                for row, m in moves.items()
                if row >= remembered.ROW_BUGS
            },
            properties={
                self.always[row - remembered.ROW_PROPERTIES][0]: s for row, s, m in rows if m < 0
            },
            ends=self._keys.flags[: self.states] & remembered.END_MASK,
        )


def unpack_move(packed: int) -> Move:
    """The task and the choices of a packed move."""
    nr = packed >> (4 + remembered.CHOICE_BITS * remembered.MAX_CHOICES)
    mask = (1 << remembered.CHOICE_BITS) - 1
    choices = tuple((packed >> (4 + remembered.CHOICE_BITS * i)) & mask for i in range(nr))
    return packed & 15, choices


_SWITCH = '''"""Whether task `t` can run on its CPU now."""

from .switch_to import switch_to


def switch_task(st, t):
    """switch_to(), as an integer."""
    if switch_to(st, t):
        return 1
    return 0
'''


def _judge(functions: Sequence[str]) -> str:
    """A function that tells which properties of the state do not hold, as a mask."""
    lines = ['"""Which properties do not hold."""', ""]
    lines += [f"from .{name} import {name}" for name in dict.fromkeys(functions)]
    lines += [
        "",
        "",
        "def judge(st, t):",
        '    """A mask, in the order given."""',
        "    broken = 0",
    ]
    for i, name in enumerate(functions):
        lines += [f"    if not {name}(st):", f"        broken |= {1 << i}"]
    return "\n".join([*lines, "    return broken", ""])


def _statement(name: str, function: str, operands: int) -> str:
    """A path that is nothing but a call of a plain function."""
    args = "".join(f", frame.reg[{i}]" for i in range(operands))
    clear = "".join(f"    frame.reg[{i}] = 0\n" for i in range(operands))
    return (
        f'"""{function}() as a statement."""\n\nfrom .{function} import {function}\n\n\n'
        f"def {name}(st, t):\n"
        '    """One step."""\n'
        "    task = st.task[t]\n    frame = task.frame[0]\n"
        f"    task.retval = {function}(st, t{args})\n{clear}"
        "    frame.path = frame.pc = 0\n    task.depth = 0\n"
        f"    return {consts.RETURNED}\n"
    )
