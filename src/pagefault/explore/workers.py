"""The arrays that the search core works on (explore/native.py): those that all workers share, and
those of one worker.

Big arrays are asked for with room to spare: memory that nobody writes to costs nothing.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from pagefault import consts
from pagefault.consts import NR_FRAMES, NR_PFN, NR_TASKS
from pagefault.explore import remembered
from pagefault.explore.canonical import RECORDS, ROOTS
from pagefault.explore.words import (
    WORDS,
    control_bits,
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

__all__ = ["FIRST_ROOM", "FIRST_WORDS", "MEMORY", "Core", "Shared", "Worker"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

FIRST_ROOM = 1 << 22
"""States that there is room for at first."""
MEMORY = 1 << 22
"""Room in the index of what is remembered of steps, at most: for half as many rows. Then all is
forgotten and begun anew."""
FIRST_MEMORY = 1 << 16
FIRST_WORDS = 3
"""Words of a key behind the control states, at first. One too many costs 8 bytes a state, one too
few the time to make all keys longer."""
_FIRST_TABLE = 1 << 20
_FIRST_RING = 1 << 17
_ROWS = MEMORY // 2
_MASKS = MEMORY // 32
_NODES = MEMORY // 8
_RENAMINGS = MEMORY // 8
_OUTS = MEMORY + 2 * remembered.MAX_SUCCESSORS

# Plain tuples of arrays for Numba. Where things stand in the record.
Where = namedtuple(
    "Where",
    "scan scan_at frames header owner local_bits id_words roots inner records record_words"
    " naming_bits record_bits last_frame",
)
# The bits of the record that are numbered in keys.
Bits = namedtuple("Bits", "number_of bit_of naming renaming")
Control = namedtuple("Control", "rows table task used names")
# The record that steps are taken in, its marks, and the key that it stands for.
Machine = namedtuple("Machine", "states words base raw marks loaded")
# The states by number: key, from where, to where, how it ends; their table; and what is known of
# the steps of those yet to expand.
States = namedtuple("States", "arena table parent onward flags mentioned steps")
# What is remembered: rows, an index of them, and what they stand for; masks, their lists and tree;
# renamings.
Memo = namedtuple(
    "Memo",
    "index table row all mask marks next first is_split limit fixed root delta new_names mentions",
)
Outs = namedtuple("Outs", "info delta")
# Room to work in; what tasks touched (`touched`, `judged`: by word of where.scan) and what each is
# taken to have for itself (`own`) with nobody looking (`hidden`).
Work = namedtuple(
    "Work",
    "key choices arities slot registers program lengths names frames old renamed known changed list"
    " touched judged own hidden",
)
# Successors: in hand, and sent to other workers.
Found = namedtuple("Found", "keys hashes slot source move mentioned")
Edges = namedtuple("Edges", "source to move")

_NUMBERED = {
    remembered.ROWS: ("table",),
    remembered.MASKS: ("mask", "marks", "next"),
    remembered.NODES: ("first", "is_split", "limit", "fixed"),
    remembered.RENAMINGS: ("delta", "new_names", "mentions"),
}
"""Arrays of a memory by the counter that tells how many of their rows are in use."""

# What explore/native.py itself reads and writes of the state, whether a path spells it or not.
_TOUCHED_BY_CORE = {
    *("task", "state", "ip", "depth", "retval", "reg", "frame", "path", "pc"),
    *("broken", "bug", "nr_choices", "choice", "arity"),
}
_FRAME_BYTES = int(STATE.fields["task"][0].base.fields["frame"][0].base.itemsize)


@dataclass
class Core:
    """The compiled functions, and what they are called with: the program, and the pointers."""

    explore_chunk: Callable[..., int]
    receive: Callable[..., int] | None
    refill_states: Callable[..., int]
    refill_control: Callable[..., int]
    refill_memory: Callable[..., int]
    renumber_masks: Callable[..., int] | None
    first_key: Callable[..., int]


@dataclass
class Tables:
    """What does not change: the program and its paths, as numbers."""

    slot: Array
    registers: Array
    program: Array
    lengths: Array


def _zeros(shape: tuple[int, ...], dtype: Any) -> Array:
    """np.zeros(), for what is looked into at random: NumPy asks for huge pages in empty() only."""
    array: Array = np.empty(shape, dtype=dtype)
    array.fill(0)
    return array


class Shared:
    """What all workers share: where things stand, numbers of bits and of control states."""

    def __init__(self, kernel_text: str, tasks: int, st: Any) -> None:
        self.tasks = tasks
        self.where = _make_where(kernel_text, tasks, st)
        self.width = self.where.id_words + FIRST_WORDS
        self.bits = Bits(
            number_of=np.full(WORDS * 64, -1, dtype=np.int64),
            bit_of=np.zeros(64 * FIRST_WORDS, dtype=np.int64),
            naming=np.zeros(FIRST_WORDS, dtype=np.uint64),
            renaming=np.zeros(FIRST_WORDS, dtype=np.uint64),
        )
        room = 1 << 10
        self.control = Control(
            rows=np.zeros((room, remembered.HEADER + NR_FRAMES * _FRAME_BYTES // 8), np.uint64),
            table=np.zeros(2 * room, dtype=np.int64),
            task=np.zeros(room, dtype=np.int64),
            used=np.zeros(room, dtype=np.int64),
            names=np.zeros(room, dtype=np.uint64),
        )
        scan = len(self.where.scan)
        self.own = np.zeros((tasks, scan), dtype=np.uint64)
        self.hidden = np.zeros(scan, dtype=np.uint64)

    def grow_key(self) -> None:
        """One word more in every key."""
        bits, words = self.bits, len(self.bits.naming) + 1
        self.width += 1
        self.bits = bits._replace(
            bit_of=longer(bits.bit_of, 64 * words),
            naming=longer(bits.naming, words),
            renaming=longer(bits.renaming, words),
        )

    def fit_control(self, count: int) -> None:
        """Room for so many control states, with nothing in their table."""
        room = len(self.control.rows)
        while room < count:
            room *= 2
        if room > len(self.control.rows):
            self.grow_control(room, 0, lambda *_: 0)

    def grow_control(self, room: int, count: int, refill: Callable[..., int]) -> None:
        """Room for more control states."""
        control = self.control
        rows = np.zeros((room, control.rows.shape[1]), dtype=np.uint64)
        rows[: len(control.rows)] = control.rows
        self.control = Control(
            rows=rows,
            table=np.zeros(2 * room, dtype=np.int64),
            task=longer(control.task, room),
            used=longer(control.used, room),
            names=longer(control.names, room),
        )
        refill(self.where, self.control, count)


class Worker:
    """The arrays of one worker. `meta` holds its counters (explore/remembered.py)."""

    def __init__(self, shared: Shared, tables: Tables, st: Any, me: int, workers: int) -> None:
        self.shared = shared
        self.tables = tables
        self.meta = np.zeros(remembered.NR_META, dtype=np.int64)
        self.meta[remembered.TASKS] = shared.tasks
        self.meta[remembered.ME] = me
        self.meta[remembered.WORKERS] = workers
        self.meta[remembered.LISTED] = -1
        self.first = np.full((remembered.NR_ROWS, 2), -1, dtype=np.int64)
        self.record, self.words, self.marks = record_of(st)
        self.base = self.words.copy()
        self.loaded = np.zeros(0, dtype=np.uint64)
        scan = len(shared.where.scan)
        self.touched = np.zeros((shared.tasks, scan), dtype=np.uint64)
        self.judged = np.zeros(scan, dtype=np.uint64)
        self.states = States(
            arena=np.empty((FIRST_ROOM, shared.width), dtype=np.uint64),
            table=_zeros((_FIRST_TABLE,), np.uint64),
            parent=np.empty(FIRST_ROOM, dtype=np.int32),
            onward=np.empty(FIRST_ROOM, dtype=np.int32),
            flags=np.empty(FIRST_ROOM, dtype=np.uint8),
            mentioned=np.empty(FIRST_ROOM, dtype=np.uint8),
            steps=_zeros((_FIRST_RING, shared.tasks + 1), np.int64),
        )
        self.states.flags[0] = self.states.mentioned[0] = 0
        self.states.onward[0] = -1
        self.edges = self._edges(1)
        self.listed: Array = np.zeros(1, dtype=np.int64)
        self.box = self._found(4 * remembered.MAX_SUCCESSORS if workers > 1 else 1)
        self.fit_key()
        self.forget(FIRST_MEMORY)

    @property
    def count(self) -> int:
        """States found."""
        return int(self.meta[remembered.COUNT])

    def arguments(self, paths: Any, *limit: int) -> tuple[Any, ...]:
        """Of explore_chunk()."""
        return (
            self.machine,
            self.shared.where,
            self.states,
            self.shared.bits,
            self.shared.control,
            self.memo,
            self.outs,
            self.work,
            self.found,
            self.box,
            self.edges,
            paths,
            self.first,
            self.meta,
            *limit,
        )

    def received(self, paths: Any, other: Worker) -> tuple[Any, ...]:
        """Arguments of receive(), for what another worker sent."""
        sent = int(other.meta[remembered.SENT])
        box = Found(*(array[:sent] for array in other.box))
        return (
            self.machine,
            self.shared.where,
            self.states,
            self.shared.bits,
            self.shared.control,
            self.memo,
            self.work,
            box,
            self.edges,
            paths,
            self.first,
            self.meta,
            int(other.meta[remembered.ME]),
            other.states.flags,
            other.states.onward,
        )

    # --- room ---------------------------------------------------------------------------------

    def fit(self, count: int) -> None:
        """Room for so many states, with keys as wide as they are now and nothing remembered."""
        room = len(self.states.parent)
        while room < count + 2 * len(self.found.keys):
            room *= 2
        kept, self.meta[remembered.COUNT] = self.count, 0
        self._make_states(room)
        self.meta[remembered.COUNT] = kept
        self.fit_key()
        self.forget(len(self.memo.index))
        ring = len(self.states.steps)
        while ring < kept + 2 * len(self.found.keys):
            ring *= 2
        steps = np.zeros((ring, self.states.steps.shape[1]), dtype=np.int64)
        self.states = self.states._replace(steps=steps)

    def fit_key(self) -> None:
        """Make what holds keys as wide as they are now."""
        width = self.shared.width
        loaded = np.zeros(width, dtype=np.uint64)
        loaded[: len(self.loaded)] = self.loaded
        self.loaded = loaded
        self.machine = Machine(
            states=self.record,
            words=self.words,
            base=self.base,
            raw=self.words.view(np.uint8),
            marks=self.marks,
            loaded=loaded,
        )
        self.found = self._found(2 * remembered.MAX_SUCCESSORS)
        self.box = self._found(len(self.box.hashes), self.box)
        self.list_states(self.listed)

    def _found(self, room: int, old: Any = None) -> Any:
        """Room for so many successors, with those of `old`."""
        new = Found(
            keys=np.zeros((room, self.shared.width), dtype=np.uint64),
            hashes=np.zeros(room, dtype=np.uint64),
            slot=np.zeros(room, dtype=np.uint64),
            source=np.zeros(room, dtype=np.int64),
            move=np.zeros(room, dtype=np.int64),
            mentioned=np.zeros(room, dtype=np.int64),
        )
        if old is not None:
            new.keys[: len(old.keys), : old.keys.shape[1]] = old.keys
            for name in ("hashes", "source", "move", "mentioned"):
                getattr(new, name)[: len(old.hashes)] = getattr(old, name)
        return new

    def _edges(self, room: int) -> Any:
        return Edges(*(np.zeros(room, dtype=np.int64) for _ in range(3)))

    def list_states(self, listed: Array) -> None:
        """Let the core know which states to expand when it is given a list."""
        self.listed = listed
        tables, shared = self.tables, self.shared
        choices = max(NR_PFN, consts.NR_CHOICES)
        self.work = Work(
            key=np.zeros(shared.width, dtype=np.uint64),
            choices=np.zeros(choices, dtype=np.int64),
            arities=np.zeros(choices, dtype=np.int64),
            slot=tables.slot,
            registers=tables.registers,
            program=tables.program,
            lengths=tables.lengths,
            names=np.zeros(NR_PFN, dtype=np.int64),
            frames=np.zeros((3, NR_PFN), dtype=np.int64),
            old=np.zeros((NR_PFN, len(RECORDS[0])), dtype=np.int64),
            renamed=np.zeros(NR_TASKS, dtype=np.int64),
            known=np.zeros(NR_TASKS, dtype=np.int64),
            changed=np.zeros(WORDS + 1, dtype=np.int64),
            list=listed,
            touched=self.touched,
            judged=self.judged,
            own=shared.own,
            hidden=shared.hidden,
        )

    def grow_states(self, refill: Callable[..., int]) -> None:
        """A larger table, and more room for states if that is what is missing."""
        states, count = self.states, self.count
        if count + 2 * len(self.found.keys) > len(states.parent):
            room = 2 * len(states.parent)
            self._make_states(room)
        self.refill(2 * len(states.table), refill)

    def _make_states(self, room: int) -> None:
        """Room for states as wide as keys are now, with those that were there."""
        states, count = self.states, self.count
        arena = np.empty((room, self.shared.width), dtype=np.uint64)
        arena[:count, : states.arena.shape[1]] = states.arena[:count]
        arena[:count, states.arena.shape[1] :] = 0
        kept = {}
        for name in ("parent", "onward", "flags", "mentioned"):
            old = getattr(states, name)
            kept[name] = np.empty(room, dtype=old.dtype)
            kept[name][:count] = old[:count]
        self.states = states._replace(arena=arena, **kept)

    def widen(self, refill: Callable[..., int]) -> None:
        """Keys have become longer. What is remembered, by their words, is forgotten."""
        self._make_states(len(self.states.parent))
        self.fit_key()
        self.forget(len(self.memo.index))
        self.refill(len(self.states.table), refill)

    def refill(self, slots: int, refill: Callable[..., int]) -> None:
        """A new table of the states, of at least so many slots."""
        while 5 * (self.count + 2 * remembered.MAX_SUCCESSORS) > 3 * slots:
            slots *= 2
        self.states = self.states._replace(table=_zeros((slots,), np.uint64))
        refill(self.states.table, self.states.arena, self.found.slot, self.count)

    def grow_ring(self) -> None:
        """Room for what is known of the steps of more states that wait to be expanded."""
        old = self.states.steps
        new = _zeros((2 * len(old), old.shape[1]), np.int64)
        waiting = np.arange(self.meta[remembered.HEAD], self.count)
        new[waiting & (len(new) - 1)] = old[waiting & (len(old) - 1)]
        self.states = self.states._replace(steps=new)

    def grow_box(self) -> None:
        """Room for more that is sent to other workers."""
        self.box = self._found(2 * len(self.box.hashes), self.box)

    def grow_edges(self) -> None:
        """Room for more steps that are asked for."""
        old = self.edges
        self.edges = self._edges(max(2 * len(old.to), 1 << 15))
        for name in Edges._fields:
            getattr(self.edges, name)[: len(old.to)] = getattr(old, name)

    def forget(self, room: int) -> None:
        """A memory with an index of this many slots, with nothing in it."""
        words = len(self.shared.bits.naming)
        self.memo = Memo(
            index=_zeros((room,), np.uint64),
            table=np.empty((_ROWS, words + 2), dtype=np.uint64),
            row=np.zeros(words, dtype=np.uint64),
            all=np.full(words, 2**64 - 1, dtype=np.uint64),
            mask=np.empty((_MASKS, words), dtype=np.uint64),
            marks=np.empty((_MASKS + 1, len(self.shared.where.scan)), dtype=np.uint64),
            next=np.empty(_MASKS, dtype=np.int64),
            first=np.empty(_NODES, dtype=np.int64),
            is_split=np.empty(_NODES, dtype=np.uint8),
            limit=np.empty(_NODES, dtype=np.int64),
            fixed=np.empty((_NODES, words), dtype=np.uint64),
            root=np.full(len(self.shared.control.rows), -1, dtype=np.int64),
            delta=np.empty((_RENAMINGS, words), dtype=np.uint64),
            new_names=np.empty(_RENAMINGS, dtype=np.uint64),
            mentions=np.empty(_RENAMINGS, dtype=np.int64),
        )
        self.outs = Outs(
            info=np.empty((_OUTS, remembered.NR_INFO), dtype=np.int64),
            delta=np.empty((_OUTS, self.shared.width), dtype=np.uint64),
        )
        for counter in (remembered.ROWS, remembered.OUTS, remembered.MASKS, remembered.RENAMINGS):
            self.meta[counter] = 0
        root = remembered.JUDGED
        self.memo.first[root], self.memo.limit[root] = -1, remembered.SPLIT_AT
        self.memo.is_split[root] = self.memo.fixed[root] = 0
        self.meta[remembered.NODES] = 1
        self.states.steps[:] = 0

    def grow_memory(self, refill: Callable[..., int]) -> None:
        """Room for twice as much to be remembered."""
        self.memo = self.memo._replace(index=_zeros((2 * len(self.memo.index),), np.uint64))
        refill(self.memo, int(self.meta[remembered.ROWS]))

    def fit_control(self) -> None:
        """There is room for more control states."""
        self.memo = self.memo._replace(
            root=longer(self.memo.root, len(self.shared.control.rows), -1)
        )

    def bytes(self) -> int:
        """Bytes in use: of the states, and of what is remembered of steps."""
        states = self.states
        one: int = states.arena.shape[1] * 8 + 4 + 4 + 1 + 1
        whole = [*self.found, *self.box, *self.edges, self.memo.index, states.table, states.steps]
        rows = [(a, self.meta[remembered.OUTS]) for a in self.outs]
        for counter, names in _NUMBERED.items():
            rows += [(getattr(self.memo, name), self.meta[counter]) for name in names]
        used = sum(int(n) * int(a.itemsize) * (int(a.size) // len(a)) for a, n in rows)
        return self.count * one + sum(int(a.nbytes) for a in whole) + used


# --- where things stand --------------------------------------------------------------------------


def _make_where(kernel_text: str, nr_tasks: int, st: Any) -> Any:
    used = _used_leaves(kernel_text, st)
    roots = [i for i in ROOTS if i in used]
    records = [[i for i in record if i in used] for record in RECORDS]
    frames = np.zeros((2, NR_TASKS), dtype=np.int64)
    frames[0] = [word_of(f"task[{t}].frame[0].path") for t in range(NR_TASKS)]
    frames[1, 0] = _FRAME_BYTES
    frames[1, 1] = NR_FRAMES * _FRAME_BYTES // 8
    local_bits = np.zeros(WORDS, dtype=np.uint64)
    owner = np.full(WORDS, -1, dtype=np.int64)
    header = np.zeros((NR_TASKS, 2), dtype=np.int64)
    in_frames: set[int] = set()
    for t in range(nr_tasks):
        control = control_bits(t)
        words = np.flatnonzero(control)
        local_bits |= control
        owner[words] = t
        inside = range(frames[0, t], frames[0, t] + frames[1, 1])
        in_frames.update(inside)
        before = [w for w in words if w not in inside]
        header[t] = before[0], before[-1] - before[0] + 1
        assert header[t, 1] <= remembered.HEADER
    scan = sorted(set(words_of(sorted(used))) - in_frames)
    scan_at = np.full(WORDS, -1, dtype=np.int64)
    scan_at[scan] = np.arange(len(scan))
    return Where(
        scan=np.array(scan, dtype=np.uint64),
        scan_at=scan_at,
        frames=frames,
        header=header,
        owner=owner,
        local_bits=local_bits,
        id_words=-(-nr_tasks // 4),
        roots=table_of(roots),
        inner=np.array([table_of([i for i in r if LEAVES[i].kind]) for r in records]),
        records=np.array([table_of(r) for r in records]),
        record_words=np.array([words_of(r) for r in RECORDS]),
        naming_bits=naming_bits(used),
        record_bits=record_bits(),
        last_frame=last_frame(),
    )


def _used_leaves(kernel_text: str, st: Any) -> set[int]:
    """Leaves that this machine has and that some function of the kernel can name.

    A path that touches an array of the state or a field spells its name.
    """
    spelled = set(re.findall(r"\.(\w+)", kernel_text)) | _TOUCHED_BY_CORE
    limits = {
        "task": st.nr_tasks,
        "cpu": st.nr_cpus,
        "mm": st.nr_mms,
        "ptpage": st.nr_ptpages,
        "pin": st.nr_pins,
        "pipe": st.nr_pipes,
        "file": st.nr_files,
        "vma": st.nr_vpns,
        "shadow": st.nr_vpns,
        "tlb": st.nr_vpns,
    }
    return {
        i
        for i, parts in enumerate(_parts_of_leaves())
        if all(name in spelled and index < limits.get(name, 1 << 30) for name, index in parts)
    }


@cache
def _parts_of_leaves() -> list[list[tuple[str, int]]]:
    """The names and indices in the path of each leaf; -1 where there is no index."""
    parts = (re.findall(r"(\w+)(?:\[(\d+)\])?", leaf.path) for leaf in LEAVES)
    return [[(name, int(index or -1)) for name, index in found] for found in parts]
