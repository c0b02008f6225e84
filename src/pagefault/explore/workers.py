"""The arrays that the search core works on (explore/native.py): those that all workers share, and
those of one worker.

Big arrays are asked for with room to spare: memory that nobody writes to costs nothing.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from pagefault import consts
from pagefault.consts import NR_FRAMES, NR_PFN, NR_TASKS
from pagefault.explore import native, numbers, remembered
from pagefault.explore.canonical import RECORDS, ROOTS
from pagefault.explore.words import (
    WORDS,
    control_bits,
    last_frame,
    lazy_zeros,
    longer,
    naming_bits,
    private_zeros,
    record_bits,
    record_of,
    table_of,
    word_of,
    words_of,
)
from pagefault.layout import LEAVES, STATE

__all__ = ["FIRST_BITS", "FIRST_ROOM", "FIRST_VALUES", "MEMORY", "Core", "Shared", "Worker"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

FIRST_ROOM = 1 << 22
"""States that there is room for at first."""
MEMORY = 1 << 22
"""Room in the index of what is remembered of steps, at most: for half as many rows. Then all is
forgotten and begun anew."""
FIRST_MEMORY = 1 << 15
FIRST_BITS = 64
"""Bits of what tasks share that a key has room for; when there are more, it has the number of their
value instead."""
FIRST_VALUES = 1 << 15
_FIRST_TABLE = 1 << 18
_LARGE = 1 << 20
_LATELY = 1 << 15
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
# The bits of the record that are numbered in keys; `count`, here and below, has how many there are,
# and a lock.
Bits = namedtuple("Bits", "number_of bit_of naming renaming count")
Control = namedtuple("Control", "rows table task used names count")
# The record that steps are taken in, its marks, and the key that it stands for.
Machine = namedtuple("Machine", "states words base raw marks loaded")
# The states by number: key, from where, to where, how it ends; and their table.
States = namedtuple("States", "arena table parent onward flags mentioned")
# The values of what tasks share, by number, with the promises that they break; and their table.
Values = namedtuple("Values", "rows table judged")
# What is remembered: rows, an index of them, and what they stand for; masks, their lists and tree;
# renamings; and what was asked before, by the number of a value: steps, and names.
Memo = namedtuple(
    "Memo",
    "index table row all mask marks next first is_split limit fixed root delta new_names mentions"
    " steps settled",
)
Outs = namedtuple("Outs", "info move delta")
# Room to work in; what tasks touched (`touched`, `judged`: by word of where.scan) and what each is
# taken to have for itself (`own`) with nobody looking (`hidden`).
Work = namedtuple(
    "Work",
    "key settled after choices arities slot registers program lengths names frames old renamed"
    " known words is_new changed list touched judged own hidden",
)
# Successors in hand.
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
    refill_states: Callable[..., int]
    refill_values: Callable[..., int]
    move_table: Callable[..., int]
    refill_control: Callable[..., int]
    refill_memory: Callable[..., int]
    first_key: Callable[..., int]


@dataclass
class Tables:
    """What does not change: the program and its paths, as numbers."""

    slot: Array
    registers: Array
    program: Array
    lengths: Array


def number_of(k: Any, me: int, many: int) -> Any:
    """numbers.py nth(), for arrays too."""
    return (((k >> numbers.BLOCK) * many + me) << numbers.BLOCK) | (k & (1 << numbers.BLOCK) - 1)


class Shared:
    """What all workers share: where things stand, states, values, numbers of bits and of control
    states."""

    def __init__(
        self, kernel_text: str, tasks: int, st: Any, many: int, disk: Path | None = None
    ) -> None:
        self.room = partial(lazy_zeros, disk=disk)
        self.zeros = partial(lazy_zeros, huge=True, disk=disk)
        # Always in memory: it is looked into at random, while of states on a disk mostly late ones.
        self.index = partial(lazy_zeros, huge=True)
        self.tasks = tasks
        self.many = many
        self.where = _make_where(kernel_text, tasks, st)
        self.numbered = False
        self.bits = Bits(
            number_of=np.full(WORDS * 64, -1, dtype=np.int64),
            bit_of=np.zeros(FIRST_BITS, dtype=np.int64),
            naming=np.zeros(1, dtype=np.uint64),
            renaming=np.zeros(1, dtype=np.uint64),
            count=np.zeros(2, dtype=np.int64),
        )
        room = 1 << 10
        self.control = Control(
            rows=np.zeros((room, remembered.HEADER + NR_FRAMES * _FRAME_BYTES // 8), np.uint64),
            table=np.zeros(2 * room, dtype=np.int64),
            task=np.zeros(room, dtype=np.int64),
            used=np.zeros(room, dtype=np.int64),
            names=np.zeros(room, dtype=np.uint64),
            count=np.zeros(2, dtype=np.int64),
        )
        scan = len(self.where.scan)
        self.own = np.zeros((tasks, scan), dtype=np.uint64)
        self.hidden = np.zeros(scan, dtype=np.uint64)
        self.team = np.zeros((many + 1) * numbers.LINE, dtype=np.int64)
        self.states = States(
            arena=self.zeros((FIRST_ROOM, self.where.id_words + 1), np.uint64),
            table=self.index((_FIRST_TABLE,), np.uint64),
            parent=self.room((FIRST_ROOM,), np.int32),
            onward=self.room((FIRST_ROOM,), np.int32),
            flags=self.room((FIRST_ROOM,), np.uint8),
            mentioned=self.room((FIRST_ROOM,), np.uint8),
        )
        self.values = Values(
            rows=np.empty((1, 1), dtype=np.uint64),
            table=np.empty(1, dtype=np.uint64),
            judged=np.empty(1, dtype=np.int64),
        )

    @property
    def words(self) -> int:
        """Of a value."""
        return len(self.bits.naming)

    @property
    def width(self) -> int:
        """Words of a key that is spelled out."""
        return int(self.where.id_words) + self.words

    def grow_key(self) -> None:
        """One word more in every value. The first time, keys are given the numbers of values."""
        bits, words = self.bits, self.words + 1
        self.bits = bits._replace(
            bit_of=longer(bits.bit_of, 64 * words),
            naming=longer(bits.naming, words),
            renaming=longer(bits.renaming, words),
        )

    def number_values(self, states: Array) -> int:
        """Give the keys of these states the numbers of their values, as the first worker gives
        them. Returns how many there are."""
        ids = self.where.id_words
        arena = self.states.arena
        found, which = np.unique(arena[states, ids], return_inverse=True)
        name = number_of(np.arange(len(found)), 0, self.many)
        self.make_values(FIRST_VALUES, 0)
        self.values.rows[name, 0] = found
        self.values.judged[name] = -1
        arena[states, ids] = name[which]
        self.numbered = True
        return len(found)

    def make_values(self, room: int, end: int) -> None:
        """Room for values as wide as they are now, with those of numbers before `end`, and an empty
        table."""
        old = self.values
        rows = self.room((room, self.words), np.uint64)
        rows[:end, : old.rows.shape[1]] = old.rows[:end]
        judged = self.room((room,), np.int64)
        judged[:end] = old.judged[:end]
        self.values = Values(rows=rows, table=self.index((2 * room,), np.uint64), judged=judged)

    def make_states(self, room: int, end: int) -> None:
        """Room for so many states, with those of numbers before `end`."""
        kept = {}
        for name in ("arena", "parent", "onward", "flags", "mentioned"):
            old = getattr(self.states, name)
            kept[name] = self.zeros((room, *old.shape[1:]), old.dtype)
            kept[name][:end] = old[:end]
        self.states = self.states._replace(**kept)

    def empty_table(self, slots: int) -> None:
        """A table of states with nothing in it."""
        self.states = self.states._replace(table=self.index((slots,), np.uint64))

    def grow_table(self, move: Callable[..., int]) -> None:
        """A larger table of states: a small one soon grows again."""
        old = self.states.table
        self.empty_table(len(old) * (2 if len(old) >= _LARGE else 8))
        move(old, self.states.table)

    def bytes(self) -> int:
        """Bytes in use but for states and values."""
        return int(self.states.table.nbytes + self.values.table.nbytes)

    def bytes_of_state(self) -> int:
        """Bytes of one state."""
        return int(self.states.arena.shape[1]) * 8 + 4 + 4 + 1 + 1

    def bytes_of_value(self) -> int:
        """Bytes of one value, with the steps that each worker keeps with it."""
        return 8 * self.words + 8 + 8 * native.STEPS * self.many

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
            count=control.count,
        )
        refill(self.where, self.control, count)


class Worker:
    """The arrays of one worker. `meta` holds its counters (explore/remembered.py)."""

    def __init__(self, shared: Shared, tables: Tables, st: Any, me: int) -> None:
        self.shared = shared
        self.tables = tables
        self.meta = private_zeros((remembered.NR_META,), np.int64)
        self.meta[remembered.TASKS] = shared.tasks
        self.meta[remembered.ME] = me
        self.meta[remembered.WORKERS] = shared.many
        self.meta[remembered.LISTED] = -1
        self.first = np.full((remembered.NR_ROWS, 2), -1, dtype=np.int64)
        self.record, self.words, self.marks = record_of(st)
        self.base = private_zeros(self.words.shape, np.uint64)
        self.base[:] = self.words
        self.loaded = np.zeros(0, dtype=np.uint64)
        scan = len(shared.where.scan)
        self.touched = np.zeros((shared.tasks, scan), dtype=np.uint64)
        self.judged = np.zeros(scan, dtype=np.uint64)
        self.edges = self._edges(1)
        self.listed: Array = np.zeros(1, dtype=np.int64)
        self.fit_key()
        self.forget(FIRST_MEMORY)

    @property
    def count(self) -> int:
        """States found."""
        return int(self.meta[remembered.COUNT])

    def states(self) -> Array:
        """Their numbers."""
        numbers: Array = self.number(np.arange(self.count))
        return numbers

    def number(self, k: Any) -> Any:
        """The number of the k-th state, or value, of this worker."""
        return number_of(k, int(self.meta[remembered.ME]), self.shared.many)

    def arguments(self, paths: Any, *limit: int) -> tuple[Any, ...]:
        """Of explore_chunk()."""
        return (
            self.machine,
            self.shared.where,
            self.shared.states,
            self.shared.values,
            self.shared.bits,
            self.shared.control,
            self.memo,
            self.outs,
            self.work,
            self.found,
            self.edges,
            paths,
            self.shared.team,
            self.first,
            self.meta,
            *limit,
        )

    # --- room ---------------------------------------------------------------------------------

    def fit_key(self) -> None:
        """Make what holds keys as wide as they are now."""
        width = self.shared.width
        loaded = private_zeros((width,), np.uint64)
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
        room = 2 * remembered.MAX_SUCCESSORS
        self.found = Found(
            keys=np.zeros((room, self.shared.where.id_words + 1), dtype=np.uint64),
            hashes=np.zeros(room, dtype=np.uint64),
            slot=np.zeros(room, dtype=np.uint64),
            source=np.zeros(room, dtype=np.int64),
            move=np.zeros(room, dtype=np.int64),
            mentioned=np.zeros(room, dtype=np.int64),
        )
        self.meta[remembered.NUMBERED] = self.shared.numbered
        self.list_states(self.listed)

    def _edges(self, room: int) -> Any:
        return Edges(*(np.zeros(room, dtype=np.int64) for _ in range(3)))

    def list_states(self, listed: Array) -> None:
        """Let the core know which states to expand when it is given a list."""
        self.listed = listed
        tables, shared = self.tables, self.shared
        choices = max(NR_PFN, consts.NR_CHOICES)
        self.work = Work(
            key=private_zeros((shared.width,), np.uint64),
            settled=private_zeros((shared.width,), np.uint64),
            after=private_zeros((NR_TASKS, shared.width), np.uint64),
            choices=private_zeros((choices,), np.int64),
            arities=private_zeros((choices,), np.int64),
            slot=tables.slot,
            registers=tables.registers,
            program=tables.program,
            lengths=tables.lengths,
            names=private_zeros((NR_PFN,), np.int64),
            frames=private_zeros((3, NR_PFN), np.int64),
            old=private_zeros((NR_PFN, len(RECORDS[0])), np.int64),
            renamed=private_zeros((NR_TASKS,), np.int64),
            known=private_zeros((NR_TASKS,), np.int64),
            words=private_zeros((NR_TASKS,), np.uint64),
            is_new=private_zeros((NR_TASKS,), np.int64),
            changed=private_zeros((WORDS + 1,), np.int64),
            list=listed,
            touched=self.touched,
            judged=self.judged,
            own=shared.own,
            hidden=shared.hidden,
        )

    def grow_edges(self) -> None:
        """Room for more steps that are asked for."""
        old = self.edges
        self.edges = self._edges(max(2 * len(old.to), 1 << 15))
        for name in Edges._fields:
            getattr(self.edges, name)[: len(old.to)] = getattr(old, name)

    def forget(self, room: int) -> None:
        """A memory with an index of this many slots, with nothing in it."""
        words = self.shared.words
        settled = np.zeros((_LATELY, 5), dtype=np.uint64)
        settled[:, 1] = 2**64 - 1  # frames in an order that cannot be
        self.memo = Memo(
            index=lazy_zeros((room,), np.uint64, huge=True),
            table=lazy_zeros((_ROWS, words + 2), np.uint64),
            row=private_zeros((words,), np.uint64),
            all=np.full(words, 2**64 - 1, dtype=np.uint64),
            mask=lazy_zeros((_MASKS, words), np.uint64),
            marks=lazy_zeros((_MASKS + 1, len(self.shared.where.scan)), np.uint64),
            next=lazy_zeros((_MASKS,), np.int64),
            first=lazy_zeros((_NODES,), np.int64),
            is_split=lazy_zeros((_NODES,), np.uint8),
            limit=lazy_zeros((_NODES,), np.int64),
            fixed=lazy_zeros((_NODES, words), np.uint64),
            root=np.full(len(self.shared.control.rows), -1, dtype=np.int64),
            delta=lazy_zeros((_RENAMINGS, words), np.uint64),
            new_names=lazy_zeros((_RENAMINGS,), np.uint64),
            mentions=lazy_zeros((_RENAMINGS,), np.int64),
            steps=self.shared.zeros((len(self.shared.values.judged), native.STEPS), np.uint64),
            settled=settled,
        )
        self.outs = Outs(
            info=lazy_zeros((_OUTS, remembered.NR_INFO), np.int32),
            move=lazy_zeros((_OUTS,), np.int64),
            delta=lazy_zeros((_OUTS, self.shared.width), np.uint64),
        )
        for counter in (remembered.ROWS, remembered.OUTS, remembered.MASKS, remembered.RENAMINGS):
            self.meta[counter] = 0
        root = remembered.JUDGED
        self.memo.first[root], self.memo.limit[root] = -1, remembered.SPLIT_AT
        self.memo.is_split[root] = self.memo.fixed[root] = 0
        self.meta[remembered.NODES] = 1

    def fit_values(self, end: int) -> None:
        """Room to keep steps with more values, those before `end` among them, but not if these are
        nearly as many as states."""
        values = len(self.shared.values.judged)
        old = self.memo.steps
        if len(old) < values and self.count > 4 * self.meta[remembered.VALUES]:
            steps = self.shared.zeros((values, native.STEPS), np.uint64)
            steps[: min(end, len(old))] = old[:end]
            self.memo = self.memo._replace(steps=steps)

    def grow_memory(self, refill: Callable[..., int]) -> None:
        """Room for twice as much to be remembered."""
        self.memo = self.memo._replace(
            index=lazy_zeros((2 * len(self.memo.index),), np.uint64, huge=True)
        )
        refill(self.memo, int(self.meta[remembered.ROWS]))

    def fit_control(self) -> None:
        """There is room for more control states."""
        self.memo = self.memo._replace(
            root=longer(self.memo.root, len(self.shared.control.rows), -1)
        )

    def bytes(self) -> int:
        """Bytes in use: of the states, and of what is remembered of steps."""
        whole = [*self.found, *self.edges, self.memo.index, self.memo.settled]
        rows = [(a, self.meta[remembered.OUTS]) for a in self.outs]
        for counter, names in _NUMBERED.items():
            rows += [(getattr(self.memo, name), self.meta[counter]) for name in names]
        used = sum(int(n) * int(a.itemsize) * (int(a.size) // len(a)) for a, n in rows)
        shared, values = self.shared, int(self.meta[remembered.VALUES])
        used += self.count * shared.bytes_of_state() + values * shared.bytes_of_value()
        return used + sum(int(a.nbytes) for a in whole)


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
    spelled = _spelled(kernel_text) | _TOUCHED_BY_CORE
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
def _spelled(kernel_text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\.(\w+)", kernel_text))


@cache
def _parts_of_leaves() -> list[list[tuple[str, int]]]:
    """The names and indices in the path of each leaf; -1 where there is no index."""
    parts = (re.findall(r"(\w+)(?:\[(\d+)\])?", leaf.path) for leaf in LEAVES)
    return [[(name, int(index or -1)) for name, index in found] for found in parts]
