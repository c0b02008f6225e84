"""A litmus program as numbers: which path each statement calls, with which arguments.

Nothing here knows a verb. The path of `mprotect(A, r)` is `sys_mprotect` if the kernel has one,
else `mprotect`, and each argument becomes one or two integers by what kind of thing it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pagefault import consts
from pagefault.errors import LitmusError
from pagefault.lang.program import (
    Arg,
    Cell,
    FileCell,
    FileName,
    Int,
    Mirror,
    Name,
    Page,
    Pin,
    Pipe,
    Program,
    Range,
    Register,
    Statement,
    Task,
    Words,
)

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = ["Lowered", "LoweredStatement", "LoweredTask", "Operand", "address_spaces", "lower"]

NO_CPU = -1
CONSTANT = -1

Operand = tuple[int, int]
"""(CONSTANT, value), or (task, register): the value that the register holds by then."""

WORDS: dict[tuple[str, str], int] = {
    ("map", "anon"): consts.MAP_ANONYMOUS,
    ("map", "private"): consts.MAP_PRIVATE,
    ("map", "shared"): consts.MAP_SHARED,
    ("map", "droppable"): consts.MAP_DROPPABLE,
    ("map", "fixed"): consts.MAP_FIXED,
    ("map", "locked"): consts.MAP_LOCKED,
    ("map", "populate"): consts.MAP_POPULATE,
    ("lock", "current"): consts.MCL_CURRENT,
    ("lock", "future"): consts.MCL_FUTURE,
    ("lock", "onfault"): consts.MCL_ONFAULT,
    ("file", "regular"): consts.FILE_REGULAR,
    ("file", "shmem"): consts.FILE_SHMEM,
    ("file", "secret"): consts.FILE_SECRET,
    ("file", "io_uring"): consts.FILE_IO_URING,
    ("file", "packet"): consts.FILE_PACKET,
    ("file", "bpf"): consts.FILE_BPF,
    ("file", "perf"): consts.FILE_PERF,
    ("file", "fb"): consts.FILE_FB,
    ("file", "pcm"): consts.FILE_PCM,
    ("file", "ringbuf"): consts.FILE_RINGBUF,
    ("file", "arena"): consts.FILE_ARENA,
    ("ioctl", "discard"): consts.IOCTL_FREE,
    ("ioctl", "realloc"): consts.IOCTL_REALLOC,
    ("ioctl", "send"): consts.IOCTL_SEND,
    ("prot", "none"): consts.PROT_NONE,
    ("prot", "r"): consts.PROT_READ,
    ("prot", "rw"): consts.PROT_READ | consts.PROT_WRITE,
    ("advice", "dontneed"): consts.MADV_DONTNEED,
    ("advice", "dontfork"): consts.MADV_DONTFORK,
    ("advice", "dofork"): consts.MADV_DOFORK,
    ("advice", "wipeonfork"): consts.MADV_WIPEONFORK,
    ("advice", "keeponfork"): consts.MADV_KEEPONFORK,
    ("advice", "dontdump"): consts.MADV_DONTDUMP,
    ("advice", "dodump"): consts.MADV_DODUMP,
    ("advice", "free"): consts.MADV_FREE,
    ("advice", "cold"): consts.MADV_COLD,
    ("advice", "pageout"): consts.MADV_PAGEOUT,
    ("advice", "mergeable"): consts.MADV_MERGEABLE,
    ("advice", "unmergeable"): consts.MADV_UNMERGEABLE,
    ("advice", "seclude"): consts.MADV_EXCLUSIVE,
    ("advice", "populate_read"): consts.MADV_POPULATE_READ,
    ("advice", "populate_write"): consts.MADV_POPULATE_WRITE,
    ("advice", "hugepage"): consts.MADV_HUGEPAGE,
    ("advice", "collapse"): consts.MADV_COLLAPSE,
    ("gup", "read"): 0,
    ("gup", "write"): consts.FOLL_WRITE,
    ("gup", "longterm"): consts.FOLL_LONGTERM,
    ("gup", "slow"): consts.FOLL_SLOW,
    ("way", "direct_map"): consts.LOOK_DIRECT_MAP,
    ("way", "core_dump"): consts.LOOK_CORE_DUMP,
    ("way", "hibernation"): consts.LOOK_HIBERNATION,
    ("way", "kdump"): consts.LOOK_KDUMP,
    ("way", "injected"): consts.LOOK_INJECTED,
    ("way", "build_id"): consts.LOOK_BUILD_ID,
    ("way", "uprobe"): consts.LOOK_UPROBE,
    ("drop", "dirty"): 1,
    ("follow", "kvm"): consts.MIRROR_KVM,
    ("follow", "gpc"): consts.MIRROR_GPC,
    ("follow", "odp"): consts.MIRROR_ODP,
    ("follow", "sva"): consts.MIRROR_SVA,
    ("follow", "user_map"): consts.MIRROR_USER_MAP,
    ("leaving", "put"): 1,
    ("vmstat", "splits"): consts.VMSTAT_SPLITS,
    ("vmstat", "collapses"): consts.VMSTAT_COLLAPSES,
    ("uffd", "missing"): consts.VM_UFFD_MISSING,
    ("uffd", "wp"): consts.VM_UFFD_WP,
    ("uffd", "minor"): consts.VM_UFFD_MINOR,
    ("pagemap", "soft_dirty"): consts.PM_SOFT_DIRTY,
    ("pagemap", "present"): consts.PM_PRESENT,
    ("pagemap", "exclusive"): consts.PM_MMAP_EXCLUSIVE,
    ("pagemap", "swapped"): consts.PM_SWAP,
    ("kpageflags", "anonymous"): consts.KPF_ANON,
    ("kpageflags", "swapbacked"): consts.KPF_SWAPBACKED,
    ("kpageflags", "swapcache"): consts.KPF_SWAPCACHE,
    ("kpageflags", "zero"): consts.KPF_ZERO_PAGE,
    ("kpageflags", "ksm"): consts.KPF_KSM,
    ("kpageflags", "thp"): consts.KPF_THP,
}
"""What a word of the language stands for, by the group of words that it belongs to."""


@dataclass(frozen=True)
class LoweredStatement:
    """A call of path `path` (0: of the plain `function`); the result goes to register `dest`.

    `dest` is -1 if nobody wants it. `text` is the statement as the program says it.
    """

    path: int
    function: Callable[..., int] | None
    operands: tuple[Operand, ...]
    dest: int
    text: str


@dataclass(frozen=True)
class LoweredTask:
    """`mm` is None for a device, `cpu` NO_CPU. `started_by_program`: a fork or clone starts it."""

    name: str
    mm: int | None
    cpu: int
    started_by_program: bool
    statements: tuple[LoweredStatement, ...]


@dataclass(frozen=True)
class Lowered:
    """A program for one kernel. Tasks stand in the program's order; their position is their id."""

    program: Program
    tasks: tuple[LoweredTask, ...]


def lower(program: Program, kernel: Kernel) -> Lowered:
    """Lower a program. LitmusError if the kernel has no path for a verb."""
    mms = address_spaces(program)
    cpus = _cpus(program)
    return Lowered(
        program,
        tuple(
            LoweredTask(
                name=task.name,
                mm=mms[task.name],
                cpu=cpus[task.name],
                started_by_program=task.parent is not None,
                statements=tuple(_statement(program, s, kernel) for s in task.statements),
            )
            for task in program.tasks
        ),
    )


def address_spaces(program: Program) -> dict[str, int | None]:
    """One number per process; a thread has that of the task that clones it, a device none."""
    mms: dict[str, int | None] = {}
    for task in program.tasks:
        if task.kind == "process":
            mms[task.name] = sum(1 for other in mms.values() if other is not None)
        else:
            mms[task.name] = None
    for task in program.tasks:
        owner = task
        while owner.kind == "thread" and owner.parent is not None:
            owner = program.task(owner.parent)
        mms[task.name] = mms[owner.name]
    return mms


def _cpus(program: Program) -> dict[str, int]:
    """The CPU that the text names, else the lowest that nobody has."""
    cpus = {task.name: task.cpu for task in program.tasks if task.cpu is not None}
    free = (c for c in range(consts.NR_CPUS) if c not in set(cpus.values()))
    for task in program.tasks:
        if task.kind == "device":
            cpus[task.name] = NO_CPU
        elif task.cpu is None:
            cpus[task.name] = _next_cpu(free, program, task)
    return cpus


def _next_cpu(free: Iterator[int], program: Program, task: Task) -> int:
    for cpu in free:
        return cpu
    raise LitmusError(
        f"no CPU is left for {task.name}: the machine has {consts.NR_CPUS}",
        path=program.path,
        line=task.line or None,
        hint="bind tasks that need not run at the same time to one CPU: `on cpu 0`",
    )


def _statement(program: Program, statement: Statement, kernel: Kernel) -> LoweredStatement:
    operands = tuple(
        operand for arg in statement.args for operand in _operands(program, statement, arg)
    )
    path, function = _target(program, statement, kernel)
    return LoweredStatement(
        path=path,
        function=function,
        operands=operands,
        dest=-1 if statement.dest is None else statement.dest.index,
        text=statement.text or statement.verb,
    )


def _target(
    program: Program, statement: Statement, kernel: Kernel
) -> tuple[int, Callable[..., int] | None]:
    names = (f"sys_{statement.verb}", statement.verb)
    ids = {path.name: path.id for path in kernel.paths if path is not None}
    for name in names:
        if name in ids:
            return ids[name], None
    for name in names:
        try:
            return 0, kernel.function(name)
        except KeyError:
            continue
    raise _refused(program, statement, f"the model has no path for {statement.verb}()")


def _operands(program: Program, statement: Statement, arg: Arg) -> list[Operand]:
    match arg:
        case Range(first, last):
            start, end = program.pages.index(first), program.pages.index(last) + 1
            return [(CONSTANT, start), (CONSTANT, end)]
        case Page(name):
            return [(CONSTANT, program.pages.index(name))]
        case Cell(page, index):
            return [(CONSTANT, program.pages.index(page)), (CONSTANT, index)]
        case Words(group, words):
            return [(CONSTANT, _bits(program, statement, group, words))]
        case Name(task):
            return [(CONSTANT, program.task_index(task))]
        case Pin(name, cell):
            return [(CONSTANT, program.pins.index(name)), *_cell(cell)]
        case Pipe(name, cell):
            return [(CONSTANT, program.pipes.index(name)), *_cell(cell)]
        case Mirror(name):
            return [(CONSTANT, program.mirrors.index(name))]
        case FileName(name):
            return [(CONSTANT, _file(program, name))]
        case FileCell(name, offset):
            index, place = divmod(offset, consts.CELLS)
            return [(CONSTANT, _file(program, name)), (CONSTANT, index), (CONSTANT, place)]
        case Int(value):
            return [(CONSTANT, value)]
        case Register():
            return [(program.task_index(arg.task), arg.index)]


def _file(program: Program, name: str) -> int:
    return [file.name for file in program.files].index(name)


def _cell(cell: int | None) -> list[Operand]:
    return [] if cell is None else [(CONSTANT, cell)]


def _bits(program: Program, statement: Statement, group: str, words: frozenset[str]) -> int:
    for word in words:
        if (group, word) not in WORDS:
            raise _refused(program, statement, f"the model does not know the {group} word {word!r}")
    return reduce(or_, (WORDS[group, word] for word in words), 0)


def _refused(program: Program, statement: Statement, message: str) -> LitmusError:
    return LitmusError(
        message,
        path=program.path,
        line=statement.line or None,
        column=statement.column or None,
        source_line=statement.text or None,
    )
