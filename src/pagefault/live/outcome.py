"""What a kernel did in one schedule, and what many runs came to."""

from __future__ import annotations

import errno
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from pagefault.errors import LiveError
from pagefault.lang.program import (
    Atom,
    Code,
    Int,
    Memory,
    Program,
    Register,
    Signal,
    is_true,
)
from pagefault.lang.schedule import Schedule
from pagefault.live.pins import space_of
from pagefault.verdict import Verdict

__all__ = [
    "Histogram",
    "Outcome",
    "Status",
    "final",
    "holds",
    "parse_outcome",
    "value_name",
    "verdict_of",
]

SIGNAL_BASE = 1000
"""A load that signal N ended returns -(SIGNAL_BASE + N)."""


class Status(Enum):
    """How a schedule ended.

    DONE: all its moves were made. BLOCKED: the statement of the move at `moves` could not be done
    then. HUNG: it did not come back in time. UNABLE: the kernel lacks something, see `why`.
    CRASHED: the kernel died or hung, `why` says of what.
    """

    DONE = "done"
    BLOCKED = "blocked"
    HUNG = "hung"
    UNABLE = "unable"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Outcome:
    """One schedule on one kernel.

    `moves` is how many moves were made. `registers` are by `P:r0`, those that the program sets;
    `signals` by task, of those that got one; `cells` by `P:A`, for each process and page: None if a
    load would fault. `cells` is empty where process_vm_readv(2) is forbidden. `frames`, if
    they were asked for and are not hidden, are by `P:A`, too: equal numbers are one frame, 0 is the
    zero page, None that nothing is mapped yet. `holds` is whether the condition's expression holds.
    `console` is what a kernel said last that died.
    """

    schedule: Schedule
    status: Status
    moves: int
    holds: bool = False
    registers: Mapping[str, int] = field(default_factory=dict)
    signals: Mapping[str, int] = field(default_factory=dict)
    cells: Mapping[str, tuple[int, ...] | None] = field(default_factory=dict)
    frames: Mapping[str, int | None] = field(default_factory=dict)
    why: str = ""
    console: str = ""

    @property
    def values(self) -> str:
        """What was seen, in one line: `P:r0=EFAULT P:A=1,0,0,0`, and `P:A@1` for a frame."""
        words = [f"{place}={value_name(value)}" for place, value in self.registers.items()]
        words += [f"{task}:signal={signal_name(number)}" for task, number in self.signals.items()]
        words += [f"{place}={_cells(cells)}" for place, cells in self.cells.items()]
        words += [f"{place}@{'-' if n is None else n}" for place, n in self.frames.items()]
        return " ".join(words)


@dataclass(frozen=True)
class Histogram:
    """What came of `iterations` runs with all tasks running free; `text` is as litmus7 prints it.

    `rows` are what was seen of the condition, whether it held, and how often.
    """

    text: str
    rows: tuple[tuple[str, bool, int], ...]
    seconds: float

    @property
    def positive(self) -> int:
        """Runs in which the condition's expression held."""
        return sum(times for _, held, times in self.rows if held)

    @property
    def negative(self) -> int:
        """Runs in which it did not."""
        return sum(times for _, held, times in self.rows if not held)


def verdict_of(positive: int, negative: int) -> Verdict:
    """The word for so many that satisfy the condition and so many that do not."""
    if positive == 0:
        return Verdict.NEVER
    return Verdict.ALWAYS if negative == 0 else Verdict.SOMETIMES


def final(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those after which nobody could move: done, and not the beginning of one that got further."""
    passed = {o.schedule[:n] for o in outcomes for n in range(min(o.moves, len(o.schedule)))}
    return [o for o in outcomes if o.status is Status.DONE and o.schedule not in passed]


def parse_outcome(schedule: Schedule, words: Sequence[str]) -> Outcome:
    """The outcome that the words after the schedule say. LiveError if they make no sense."""
    try:
        status, moves = Status(words[0]), int(words[1])
        if status is Status.UNABLE:
            return Outcome(schedule, status, moves, why=" ".join(words[2:]))
        return _with_values(schedule, status, moves, words[2] == "*", words[3:])
    except (ValueError, IndexError):
        raise LiveError(f"the test program said {' '.join(words)!r}") from None


def _with_values(
    schedule: Schedule, status: Status, moves: int, held: bool, words: Sequence[str]
) -> Outcome:
    registers: dict[str, int] = {}
    signals: dict[str, int] = {}
    cells: dict[str, tuple[int, ...] | None] = {}
    frames: dict[str, int | None] = {}
    for word in words:
        place, _, value = word.partition("=")
        task, _, what = place.partition(":")
        if what == "signal":
            signals[task] = int(value)
        elif what.endswith("@"):
            frames[place.removesuffix("@")] = None if value == "-" else int(value)
        elif value == "-":
            cells[place] = None
        elif "," in value:
            cells[place] = tuple(int(cell) for cell in value.split(","))
        else:
            registers[place] = int(value)
    return Outcome(schedule, status, moves, held, registers, signals, cells, frames)


def holds(program: Program, outcome: Outcome) -> bool:
    """Whether the condition's expression holds. The C program decides by itself; tests compare."""

    def holds_atom(atom: Atom) -> bool:
        value = _value(program, outcome, atom.left)
        return (value == _wanted(atom.left, atom.right)) == atom.equal

    return is_true(program.condition.expr, holds_atom)


def _value(program: Program, outcome: Outcome, left: Register | Memory | Signal) -> int | None:
    match left:
        case Register(task, name):
            return outcome.registers[f"{task}:{name}"]
        case Signal(task):
            return outcome.signals.get(task, 0)
        case Memory(task, page, cell):
            cells = outcome.cells.get(f"{space_of(program, task)}:{page}")
            return None if cells is None else cells[cell]


def _wanted(left: Register | Memory | Signal, right: Int | Code) -> int:
    if isinstance(right, Int):
        return right.value
    if right.is_signal:
        number = int(signal.Signals[right.name])
        return number if isinstance(left, Signal) else -(SIGNAL_BASE + number)
    number = int(getattr(errno, right.name))
    return number if isinstance(left, Signal) else -number


def value_name(value: int) -> str:
    """A register's value as a reader wants it: `EFAULT`, `SIGSEGV`, or the number."""
    if value <= -SIGNAL_BASE:
        return signal_name(-value - SIGNAL_BASE)
    return errno.errorcode.get(-value, str(value)) if value < 0 else str(value)


def signal_name(number: int) -> str:
    """`SIGSEGV` and the like, or the number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _cells(cells: tuple[int, ...] | None) -> str:
    return "-" if cells is None else ",".join(map(str, cells))
