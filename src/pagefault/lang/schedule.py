"""Schedules at op grain: who moves when, from the program alone.

A schedule is the tasks in the order in which they move, one statement a move, until nobody can.
No kernel is asked. What may hold a task up is in the language: it has not started, it has exited,
`wait(C)` before C and its threads have called exit(), a pin that nobody has tried to take yet, a
mirror that nobody has made yet, a full or an empty pipe.

Two things only the kernel knows: whether a vmsplice() fails and so leaves the pipe as it was, and
whether an access waits for userfaultfd. Where it might, both are followed, and a schedule may turn
out to block on a kernel, or to be the beginning of another one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pagefault.errors import LitmusError
from pagefault.lang._text import listing
from pagefault.lang.program import (
    Arg,
    Cell,
    Mirror,
    Name,
    Page,
    Pin,
    Pipe,
    Program,
    Range,
    Statement,
    Task,
    Words,
)

__all__ = [
    "PIPE_PAGES",
    "Schedule",
    "check_schedule",
    "parse_schedule",
    "sample_schedules",
    "schedules",
    "statement_at",
]

PIPE_PAGES = 2
"""A pipe holds so many pages; who wants to put in one more waits."""

Schedule = tuple[str, ...]
"""Names of tasks, in the order in which they move."""


def schedules(program: Program, limit: int | None = None) -> Iterator[Schedule]:
    """Every schedule once, in the order of the program's tasks; `limit` stops after so many."""
    rules = _Rules(program)
    names = [task.name for task in program.tasks]
    found = 0
    stack: list[tuple[Schedule, _Points]] = [((), rules.start)]
    while stack:
        moves, points = stack.pop()
        if any(not rules.movers(point) for point in points):
            yield moves
            found += 1
            if found == limit:
                return
        for task in reversed(range(len(names))):
            after = rules.after(points, task)
            if after:
                stack.append(((*moves, names[task]), after))


def sample_schedules(program: Program, number: int, seed: int = 0) -> list[Schedule]:
    """All schedules if there are at most `number`, else at most so many of them, drawn by dice.

    Each draw walks from the start and takes every task that can move with equal chance, so
    schedules are not equally likely. The same seed gives the same schedules.
    """
    everything = list(schedules(program, number + 1))
    if len(everything) <= number:
        return everything
    rules = _Rules(program)
    throw = random.Random(seed).random  # of random.Random only random() is the same everywhere
    drawn = {_walk(rules, program, throw): None for _ in range(2 * number)}
    return list(drawn)[:number]


def parse_schedule(program: Program, text: str) -> Schedule:
    """The schedule that `P,P,C` names. LitmusError if the program cannot move like that."""
    moves = tuple(word.strip() for word in text.split(",")) if text.strip() else ()
    check_schedule(program, moves)
    return moves


def check_schedule(program: Program, moves: Sequence[str]) -> None:
    """LitmusError if a task moves that cannot; a schedule may end before all is done."""
    rules = _Rules(program)
    names = [task.name for task in program.tasks]
    points = rules.start
    for number, name in enumerate(moves, 1):
        where = f"move {number} of the schedule"
        if name not in names:
            raise LitmusError(
                f"{where}: there is no task {name!r}",
                program.path,
                hint=f"the tasks are {listing(names, 'and')}",
            )
        after = rules.after(points, names.index(name))
        if not after:
            able = sorted({names[t] for point in points for t in rules.movers(point)})
            hint = f"{listing(able)} can move there" if able else "nobody can move there"
            raise LitmusError(f"{where}: {name} cannot move", program.path, hint=hint)
        points = after


def statement_at(program: Program, moves: Sequence[str]) -> str:
    """The statement of the last of these moves, with its task: `C: r0 = A[0]`; "" without any."""
    if not moves:
        return ""
    task = program.task(moves[-1])
    return f"{task.name}: {task.statements[list(moves).count(task.name) - 1].text}"


def _walk(rules: _Rules, program: Program, throw: Callable[[], float]) -> Schedule:
    moves: list[str] = []
    points = rules.start
    while able := sorted({t for point in points for t in rules.movers(point)}):
        task = able[int(throw() * len(able))]
        moves.append(program.tasks[task].name)
        points = rules.after(points, task)
    return tuple(moves)


@dataclass(frozen=True)
class _Move:
    """What a statement needs and does, as far as it matters to who can move.

    `kind` is "start", "exit", "wait", "settle", "use", "put", "take" or "" for any other
    statement; `subject` is the task, pin or pipe that it is about, by its position; mirrors count
    after the pins.
    """

    kind: str
    subject: int = 0
    may_fail: bool = False
    may_wait: bool = False


_Point = tuple[tuple[int, ...], int, int, int, tuple[int, ...], int]
"""How far everybody is: how many statements each task has behind it; which tasks have started,
which have exited, which pins were taken or failed to be and, behind them, which mirrors there are,
as bit masks; the pages in each pipe; which tasks wait for userfaultfd, as a bit mask.
"""

_Points = frozenset[_Point]
"""Where everybody may be: several only after a vmsplice() that might have failed, and before an
access that might wait for userfaultfd."""

_TOUCHES = frozenset(
    {
        "user_load",
        "user_store",
        "copy_to_user",
        "pin",
        "get",
        "o_direct",
        "vmsplice",
        "process_vm_readv",
        "process_vm_writev",
        "proc_mem_read",
        "proc_mem_write",
    }
)
"""Verbs that may meet a page that userfaultfd has missing or write-protects."""


class _Rules:
    """Who can move, and where to, in one program."""

    def __init__(self, program: Program) -> None:
        self.tasks = [[_move(program, task, s) for s in task.statements] for task in program.tasks]
        owners = [_process(program, task) for task in program.tasks]
        # By process: itself and its threads, as a bit mask.
        self.members = [
            sum(1 << t for t, owner in enumerate(owners) if owner == task.name)
            for task in program.tasks
        ]
        started = sum(1 << t for t, task in enumerate(program.tasks) if task.parent is None)
        point = ((0,) * len(self.tasks), started, 0, 0, (0,) * len(program.pipes), 0)
        self.start: _Points = frozenset(self._held_up(point))

    def movers(self, point: _Point) -> list[int]:
        """Tasks that can move."""
        return [t for t in range(len(self.tasks)) if self._can_move(point, t)]

    def after(self, points: _Points, task: int) -> _Points:
        """Where `task` may get to by its next statement; empty if it cannot move."""
        return frozenset(
            after
            for point in points
            if self._can_move(point, task)
            for step in self._step(point, task)
            for after in self._held_up(step)
        )

    def _held_up(self, point: _Point) -> list[_Point]:
        """The same point, with each choice of who waits for userfaultfd there."""
        done, started = point[:2]
        found = [0]
        for task, moves in enumerate(self.tasks):
            if started >> task & 1 and done[task] < len(moves) and moves[done[task]].may_wait:
                found += [waits | 1 << task for waits in found]
        return [(*point[:-1], waits) for waits in found]

    def _can_move(self, point: _Point, task: int) -> bool:
        done, started, exited, settled, pages, waits = point
        if waits >> task & 1:
            return False
        if not started >> task & 1 or exited >> task & 1 or done[task] == len(self.tasks[task]):
            return False
        move = self.tasks[task][done[task]]
        match move.kind:
            case "wait":
                if not exited >> move.subject & 1:
                    return False
                return not self.members[move.subject] & started & ~exited
            case "use":
                return bool(settled >> move.subject & 1)
            case "put":
                return pages[move.subject] < PIPE_PAGES
            case "take":
                return pages[move.subject] > 0
        return True

    def _step(self, point: _Point, task: int) -> list[_Point]:
        done, started, exited, settled, pages, _ = point
        move = self.tasks[task][done[task]]
        done = _changed(done, task, 1)
        bit = 1 << move.subject
        match move.kind:
            case "start":
                return [(done, started | bit, exited, settled, pages, 0)]
            case "exit":
                return [(done, started, exited | bit, settled, pages, 0)]
            case "settle":
                return [(done, started, exited, settled | bit, pages, 0)]
            case "put":
                put = (done, started, exited, settled, _changed(pages, move.subject, 1), 0)
                failed = [(done, started, exited, settled, pages, 0)] if move.may_fail else []
                return [put, *failed]
            case "take":
                return [(done, started, exited, settled, _changed(pages, move.subject, -1), 0)]
        return [(done, started, exited, settled, pages, 0)]


def _changed(numbers: tuple[int, ...], at: int, by: int) -> tuple[int, ...]:
    return (*numbers[:at], numbers[at] + by, *numbers[at + 1 :])


def _process(program: Program, task: Task) -> str:
    """The process that a task is, or is a thread of."""
    while task.kind == "thread" and task.parent is not None:
        task = program.task(task.parent)
    return task.name


def _move(program: Program, task: Task, statement: Statement) -> _Move:
    move = _kind(program, task, statement)
    return replace(move, may_wait=_may_wait(program, statement))


def _may_wait(program: Program, statement: Statement) -> bool:
    """Whether the statement touches a page that somebody registers with userfaultfd."""
    registers = [s for t in program.tasks for s in t.statements if s.verb == "uffd_register"]
    pages = [
        a.name if isinstance(a, Page) else a.page
        for a in statement.args
        if isinstance(a, Page | Cell)
    ]
    return statement.verb in _TOUCHES and any(
        _covers(program, s.args[0], page) for s in registers for page in pages
    )


def _kind(program: Program, task: Task, statement: Statement) -> _Move:
    match statement.verb, statement.args:
        case (("fork" | "clone"), (Name(child),)):
            return _Move("start", program.task_index(child))
        case "exit", _:
            return _Move("exit", program.task_index(task.name))
        case "wait", (Name(child),):
            return _Move("wait", program.task_index(child))
        case (("pin" | "get" | "o_direct"), (_, Pin(name), *_)):
            return _Move("settle", program.pins.index(name))
        case "mirror", (Mirror(name), *_):
            return _Move("settle", len(program.pins) + program.mirrors.index(name))
        case _, (Mirror(name), *_):
            return _Move("use", len(program.pins) + program.mirrors.index(name))
        case (("dma_read" | "dma_write" | "unpin"), (Pin(name), *_)):
            return _Move("use", program.pins.index(name))
        case "vmsplice", (Page(page), Pipe(name)):
            may_fail = _may_be_gone(program) or not _is_mapped(program, task, statement, page)
            return _Move("put", program.pipes.index(name), may_fail)
        case "splice", (_, Pipe(name)):
            return _Move("put", program.pipes.index(name), may_fail=True)
        case "read", (Pipe(name), *_):
            return _Move("take", program.pipes.index(name))
    return _Move("")


def _is_mapped(program: Program, task: Task, statement: Statement, page: str) -> bool:
    """Whether the task, or those that it comes from, map the page before `statement`."""
    before = task.statements[: _index(task, statement)]
    if any(s.verb in ("mmap", "mmap_file") and _covers(program, s.args[0], page) for s in before):
        return True
    if task.parent is None:
        return False
    parent = program.task(task.parent)
    birth = next(s for s in parent.statements if s.args == (Name(task.name),))
    return _is_mapped(program, parent, birth, page)


def _index(task: Task, statement: Statement) -> int:
    return next(i for i, s in enumerate(task.statements) if s is statement)


def _covers(program: Program, arg: Arg, page: str) -> bool:
    assert isinstance(arg, Range)
    first, last = program.pages.index(arg.first), program.pages.index(arg.last)
    return first <= program.pages.index(page) <= last


def _may_be_gone(program: Program) -> bool:
    """Whether a page that was mapped may be out of reach later."""
    return any(_takes_away(s) for task in program.tasks for s in task.statements)


def _takes_away(statement: Statement) -> bool:
    words = {word for arg in statement.args if isinstance(arg, Words) for word in arg.words}
    return statement.verb in ("munmap", "mremap", "truncate") or bool(words & {"none", "dontfork"})
