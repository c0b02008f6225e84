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
    PAGE_TABLE,
    PFN_SHIFT,
    PTE_HAS_PFN,
)
from pagefault.errors import ModelError
from pagefault.explore import native
from pagefault.explore.canonical import RECORDS, ROOTS
from pagefault.explore.lower import Lowered
from pagefault.explore.replay import Move
from pagefault.layout import LEAF_INDEX, LEAVES, STATE, to_record

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = ["CompiledSearch", "Found", "decode", "unpack_move"]

CORE = Path(native.__file__)
STATEMENTS = 16
# Where things stand in the record, and room to work in; plain tuples of arrays for Numba.
Where = namedtuple(
    "Where",
    "scan frames roots root_words root_at root_is_pte inner records record_words"
    " naming_bits record_bits last_frame changed names frame_scratch old",
)
Keys = namedtuple(
    "Keys", "arena hashes table parent move ends mentioned edges number_of bit_of zobrist scratch"
)


def _offset(path: str) -> int:
    dtype, at = STATE, 0
    for name, index in re.findall(r"(\w+)(?:\[(\d+)\])?", path):
        assert dtype.fields is not None
        dtype, offset = dtype.fields[name][:2]
        at += offset
        if index:
            at += int(index) * dtype.base.itemsize
            dtype = dtype.base
    return at


_OFFSETS = np.array([(_offset(leaf.path), int(leaf.code[1:])) for leaf in LEAVES], dtype=np.int64)
WORDS = -(-STATE.itemsize // 8)
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


def decode(words: np.ndarray[Any, Any]) -> list[int]:
    """The flat list of a state's record, given as words."""
    raw = words.view(np.uint8).astype(np.int64)
    at, width = _OFFSETS[:, 0], _OFFSETS[:, 1]
    value = raw[at]
    for i in (1, 2, 3):
        wide = width > i
        value[wide] |= raw[at[wide] + i] << (8 * i)
    half = np.int64(1) << (8 * width - 1)
    result: list[int] = np.where(value >= half, value - 2 * half, value).tolist()
    return result


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
        return bool(self.ends[state] == native.DEADLOCK)

    def is_stuck(self, state: int) -> bool:
        """Somebody waits for the program in a state that no step leaves."""
        return bool(self.ends[state] == native.STUCK)


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
        keep_edges: bool = True,
    ) -> None:
        self.kernel = kernel
        self.program = program
        self.always = always
        self._twins = jit.Twins(kernel)
        self._pointers = self._name_pointers()
        self._states, self._words = _record(st)
        self._base = self._words.copy()
        self._initial = self._words.copy()
        self._where = self._make_where(st)
        self._lengths = np.array([len(t.statements) for t in program.tasks], dtype=np.int64)
        self.meta = np.zeros(native.NR_META, dtype=np.int64)
        self.meta[native.TASKS] = len(program.tasks)
        self.meta[native.STOP_AT_YIELD] = grain == "step"
        self.meta[native.CANONICAL] = canonical
        self.meta[native.KEEP_EDGES] = keep_edges
        self._first = np.full((native.NR_ROWS, 2), -1, dtype=np.int64)
        self._keys = self._new_keys(1 << 16, 4)
        self._enter_initial()

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
        program = np.zeros((NR_TASKS, STATEMENTS, native.OP_FIRST + 2 * NR_REGS), dtype=np.int64)
        for t, task in enumerate(self.program.tasks):
            for i, statement in enumerate(task.statements):
                row = program[t, i]
                row[native.OP_PATH] = (
                    statement.path
                    or self._statement_ids[
                        f"statement_{getattr(statement.function, '__name__', '')}"
                    ]
                )
                row[native.OP_ARGS] = len(statement.operands)
                row[native.OP_DEST] = statement.dest
                for k, (source, value) in enumerate(statement.operands):
                    row[native.OP_FIRST + 2 * k] = source
                    row[native.OP_FIRST + 2 * k + 1] = value
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
        frames = np.zeros((2, NR_TASKS), dtype=np.int64)
        for t in range(NR_TASKS):
            at = int(_OFFSETS[LEAF_INDEX[f"task[{t}].frame[0].path"], 0])
            assert at % 8 == 0, "frames stand on words"
            frames[0, t] = at // 8
        frames[1, 0] = _FRAME_BYTES
        frames[1, 1] = NR_FRAMES * _FRAME_BYTES // 8
        in_frames = {
            int(w)
            for t in range(NR_TASKS)
            for w in range(frames[0, t], frames[0, t] + frames[1, 1])
        }
        scan = sorted(
            {
                w
                for i in used
                for w in range(_OFFSETS[i, 0] // 8, (_OFFSETS[i].sum() - 1) // 8 + 1)
                if w not in in_frames
            }
        )
        return Where(
            scan=np.array(scan, dtype=np.uint64),
            frames=frames,
            roots=_table(roots),
            root_words=_root_words(roots),
            root_at=_OFFSETS[roots, 0].astype(np.uint64),
            root_is_pte=np.array([LEAVES[i].kind == "pte" for i in roots]),
            inner=np.array([_table([i for i in r if LEAVES[i].kind]) for r in records]),
            records=np.array([_table(r) for r in records]),
            record_words=np.array([_words_of(r) for r in RECORDS]),
            naming_bits=_naming_bits(),
            record_bits=_record_bits(),
            last_frame=_last_frame(),
            changed=np.zeros(WORDS + 1, dtype=np.int64),
            names=np.zeros((3, max(NR_PFN, consts.NR_CHOICES)), dtype=np.int64),
            frame_scratch=np.zeros((3, NR_PFN), dtype=np.int64),
            old=np.zeros((NR_PFN, len(RECORDS[0])), dtype=np.int64),
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

    def _new_keys(self, capacity: int, width: int) -> Any:
        random = np.random.default_rng(20260101)
        return Keys(
            arena=np.empty((capacity, width), dtype=np.uint64),
            hashes=np.empty(capacity, dtype=np.uint64),
            table=np.zeros(2 * capacity, dtype=np.uint64),
            parent=np.empty(capacity, dtype=np.int32),
            move=np.empty(capacity, dtype=np.int64),
            ends=np.empty(capacity, dtype=np.uint8),
            mentioned=np.empty(capacity, dtype=np.uint8),
            edges=np.empty((4 * capacity, 2), dtype=np.int32),
            number_of=np.full(WORDS * 64, -1, dtype=np.int64),
            bit_of=np.zeros(width * 64, dtype=np.int64),
            zobrist=random.integers(0, 1 << 64, width * 64, dtype=np.uint64),
            scratch=np.zeros((2, width), dtype=np.uint64),
        )

    def _enter_initial(self) -> None:
        keys = self._keys
        keys.table[0] = np.uint64(1)  # the initial state: no bit differs, hash 0
        keys.arena[0] = 0
        keys.hashes[0] = 0
        keys.parent[0] = -1
        keys.ends[0] = 0
        keys.mentioned[0] = 0
        self.meta[native.COUNT] = 1
        self.meta[native.LEVEL_END] = 1

    def _grow(self, states: int = 1, key: int = 0, edges: int = 1) -> None:
        """Room for `states` times as many states, `key` more words, `edges` times as many edges."""
        old = self._keys
        count = int(self.meta[native.COUNT])
        capacity, width = old.arena.shape
        if states > 1 or key:
            new = self._new_keys(capacity * states, width + key)
            new.arena[:count, :width] = old.arena[:count]
            new.arena[:count, width:] = 0
            for name in ("hashes", "parent", "move", "ends", "mentioned"):
                getattr(new, name)[:count] = getattr(old, name)[:count]
            new.number_of[:] = old.number_of
            new.bit_of[: width * 64] = old.bit_of
            new.zobrist[: width * 64] = old.zobrist
            new.scratch[:, :width] = old.scratch
            if states > 1:
                self._fill(new.table, new.hashes, count)
            else:
                new = new._replace(table=old.table)
        else:
            new = old
        room = max(len(old.edges) * edges, len(new.edges))
        if room > len(old.edges):
            grown = np.empty((room, 2), dtype=np.int32)
            grown[: self.meta[native.EDGES]] = old.edges[: self.meta[native.EDGES]]
        else:
            grown = old.edges
        self._keys = new._replace(edges=grown)

    # --- running ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Load the compiled functions and the core; compiles the core if it must."""
        self._paths = self._load()
        self._program = self._make_program()
        self._slot, self._registers = self._make_slots()
        self._core = jit.compile_core(CORE, "explore_chunk", self._arguments(None, 1))
        fill = (self._keys.table, self._keys.hashes, 1)
        self._fill: Callable[..., Any] = jit.compile_core(CORE, "fill_table", fill)

    def _arguments(self, paths: Any, limit: int) -> tuple[Any, ...]:
        return (
            self._states,
            self._words,
            self._base,
            self._words.view(np.uint8),
            paths,
            self._where,
            self._slot,
            self._registers,
            self._program,
            self._lengths,
            self._keys,
            self.meta,
            self._first,
            limit,
        )

    def chunk(self, limit: int) -> bool:
        """Expand at most `limit` states. Returns whether all are expanded."""
        while True:
            reason = int(self._core(*self._arguments(self._paths, limit)))
            if reason == native.GROW_STATES:
                self._grow(states=4)
            elif reason == native.GROW_KEY:
                self._grow(key=2)
            elif reason == native.GROW_EDGES:
                self._grow(edges=2)
            else:
                return reason == native.DONE

    def reach_back(self, reaches: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        """Make `reaches` true for every state from which one is reached for which it is true."""
        edges = self._keys.edges[: self.meta[native.EDGES]]
        jit.compile_core(CORE, "reach_back", (edges, reaches))(edges, reaches)

    # --- what was found -----------------------------------------------------------------------

    def bytes(self) -> int:
        """Bytes that the table of states takes now."""
        return sum(getattr(self._keys, name).nbytes for name in self._keys._fields)

    def leaves(self, state: int) -> list[int]:
        """The flat list of a state."""
        words = self._initial.copy()
        key = np.unpackbits(self._keys.arena[state].view(np.uint8), bitorder="little")
        for bit in self._keys.bit_of[np.flatnonzero(key)]:
            words[bit >> 6] ^= np.uint64(1) << np.uint64(bit & 63)
        return decode(words)

    def moves_to(self, state: int) -> list[Move]:
        """A shortest path to a state."""
        moves: list[Move] = []
        while state > 0:
            moves.append(unpack_move(int(self._keys.move[state])))
            state = int(self._keys.parent[state])
        return moves[::-1]

    @property
    def ran_out_of_frames(self) -> bool:
        """A larger machine may do more."""
        return bool(self._first[native.ROW_BUGS + consts.BUG_NO_FREE_FOLIO, 0] >= 0)

    def steps_to(self, state: int, move: Move | None) -> int:
        """Steps from the initial state to where a move from `state` leads, or to `state`."""
        return len(self.moves_to(state)) + (move is not None)

    @property
    def states(self) -> int:
        """States found so far."""
        return int(self.meta[native.COUNT])

    @property
    def depth(self) -> int:
        """Steps from the initial state to the farthest."""
        return int(self.meta[native.DEPTH])

    def found(self) -> Found:
        """The numbers, and the first state or step that breaks each thing."""
        rows = [(row, int(s), int(m)) for row, (s, m) in enumerate(self._first) if s >= 0]
        moves = {row: (s, unpack_move(m)) for row, s, m in rows if m >= 0}
        return Found(
            transitions=int(self.meta[native.TRANSITIONS]),
            key_bits=int(self.meta[native.BITS]),
            bits={row: m for row, m in moves.items() if row < native.ROW_PROPERTIES},
            bugs={row - native.ROW_BUGS: m for row, m in moves.items() if row >= native.ROW_BUGS},
            properties={
                self.always[row - native.ROW_PROPERTIES][0]: s for row, s, m in rows if m < 0
            },
            ends=self._keys.ends[: self.states],
        )


def unpack_move(packed: int) -> Move:
    """The task and the choices of a packed move."""
    nr = packed >> (4 + native.CHOICE_BITS * native.MAX_CHOICES)
    mask = (1 << native.CHOICE_BITS) - 1
    choices = tuple((packed >> (4 + native.CHOICE_BITS * i)) & mask for i in range(nr))
    return packed & 15, choices


def _record(st: Any) -> tuple[Any, np.ndarray[Any, Any]]:
    """A state as an array of one record, and the words of the same memory."""
    words = np.zeros(WORDS, dtype=np.uint64)
    record = np.asarray(to_record(st), dtype=STATE)
    words.view(np.uint8)[: STATE.itemsize] = np.frombuffer(record.tobytes(), dtype=np.uint8)
    return words.view(np.uint8)[: STATE.itemsize].view(STATE), words


def _table(leaves: Sequence[int]) -> np.ndarray[Any, Any]:
    """Rows of offset, width and whether it is a PTE. Shape (leaves, 3)."""
    rows = [(_OFFSETS[i, 0], _OFFSETS[i, 1], LEAVES[i].kind == "pte") for i in leaves]
    return np.array(rows, dtype=np.int64).reshape(len(rows), 3)


def _root_words(roots: Sequence[int]) -> np.ndarray[Any, Any]:
    """The words that hold numbers of frames outside the frames' own records, in the order of
    `roots`: the word, the bits of it that are such numbers, and the roots [first, last) in it."""
    rows: list[list[int]] = []
    for i, leaf in enumerate(roots):
        is_pte = LEAVES[leaf].kind == "pte"
        at = int(_OFFSETS[leaf, 0]) + (PFN_SHIFT // 8 if is_pte else 0)
        if not rows or rows[-1][0] != at // 8:
            rows.append([at // 8, 0, i, i])
        rows[-1][1] |= 0xFF << 8 * (at % 8)
        rows[-1][3] = i + 1
    return np.array(rows, dtype=np.uint64).reshape(len(rows), 4)


_IN_RECORD = frozenset(i for record in RECORDS for i in record)
_MENTIONS = PTE_HAS_PFN | PAGE_TABLE | 0xFF << PFN_SHIFT


def _words_of(leaves: Sequence[int]) -> list[int]:
    """The words that these leaves fill."""
    return sorted(
        {int(w) for i in leaves for w in (_OFFSETS[i, 0] // 8, (_OFFSETS[i].sum() - 1) // 8)}
    )


def _naming_bits() -> np.ndarray[Any, Any]:
    """The bits of the record that name a frame or say whether a PTE does, but for those of the
    frames' own records and of registers."""
    raw = np.zeros(WORDS * 8, dtype=np.uint8)
    for i, leaf in enumerate(LEAVES):
        at, width = (int(x) for x in _OFFSETS[i])
        if leaf.kind and i not in _IN_RECORD:
            mask = _MENTIONS if leaf.kind == "pte" else 0xFF
            for k in range(width):
                raw[at + k] = mask >> 8 * k & 255
    return raw.view(np.uint64)


def _record_bits() -> np.ndarray[Any, Any]:
    """The bits of the frames' own records."""
    raw = np.zeros(WORDS * 8, dtype=np.uint8)
    for i in _IN_RECORD:
        raw[_OFFSETS[i, 0] : _OFFSETS[i].sum()] = 255
    return raw.view(np.uint64)


def _last_frame() -> np.ndarray[Any, Any]:
    """By word of the record: the last frame whose own records it holds a part of, 0 if none."""
    last = np.zeros(WORDS, dtype=np.int64)
    for p, record in enumerate(RECORDS):
        for i in record:
            for at in (_OFFSETS[i, 0], _OFFSETS[i].sum() - 1):
                last[at // 8] = max(last[at // 8], p)
    return last


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
