"""How each statement of the language is done on a live kernel: one entry each.

To add a statement: a C file in templates/verbs/ with the function that does it, and an entry here
that says how it is called and what it needs. What takes and uses pins stands in pins.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pagefault.lang.program import (
    Cell,
    FileCell,
    FileName,
    Int,
    Name,
    Page,
    Pin,
    Pipe,
    Program,
    Range,
    Register,
    Statement,
    Words,
)
from pagefault.live.features import Feature
from pagefault.live.pins import PinPlan

__all__ = [
    "MODEL_ONLY",
    "STATEMENTS",
    "Names",
    "Rule",
    "call_of",
    "missing",
    "needs_of",
    "rule_of",
]


@dataclass(frozen=True)
class Names:
    """What C calls the tasks, pages, pins and pipes of a program, and how its pins are taken.

    A name of the language means one thing in the whole program, so `A` is `A_` in C, which nothing
    else ends like; `prefix` keeps the tests of one file apart.
    """

    program: Program
    pins: Mapping[str, PinPlan]
    prefix: str = ""

    def c(self, name: str) -> str:
        """The C constant: the position of the thing in the program's tuple of tasks, pages, ..."""
        # Two underscores in front would be the compiler's.
        return f"{self.prefix or 'x' * name.startswith('_')}{name}_"

    def pages(self, pages: Range) -> str:
        """The first page of a range, and how many there are."""
        index = self.program.pages.index
        return f"{self.c(pages.first)}, {index(pages.last) - index(pages.first) + 1}"


Call = Callable[[Names, Statement], str]


@dataclass(frozen=True)
class Rule:
    """How a verb is done: the C call, the file that has the function, and what it needs.

    `file` is "" for what pins.py provides; `word_needs` is what single words of the verb need.
    """

    call: Call
    file: str
    needs: tuple[Feature, ...] = ()
    word_needs: Mapping[str, Feature] = field(default_factory=dict)


PROT = {"none": "PROT_NONE", "r": "PROT_READ", "rw": "PROT_READ | PROT_WRITE"}
ADVICE = {
    "dontneed": "MADV_DONTNEED",
    "dontfork": "MADV_DONTFORK",
    "dofork": "MADV_DOFORK",
    "wipeonfork": "MADV_WIPEONFORK",
    "keeponfork": "MADV_KEEPONFORK",
    "dontdump": "MADV_DONTDUMP",
    "dodump": "MADV_DODUMP",
    "free": "MADV_FREE",
    "cold": "MADV_COLD",
    "pageout": "MADV_PAGEOUT",
    "mergeable": "MADV_MERGEABLE",
    "unmergeable": "MADV_UNMERGEABLE",
    "seclude": "MADV_EXCLUSIVE",
    "hugepage": "MADV_HUGEPAGE",
    "collapse": "MADV_COLLAPSE",
    "populate_read": "MADV_POPULATE_READ",
    "populate_write": "MADV_POPULATE_WRITE",
}


ADVICE_NEEDS = {
    "pageout": Feature.SWAP,
    "hugepage": Feature.THP,
    "collapse": Feature.COLLAPSE,
    "mergeable": Feature.KSM,
    "unmergeable": Feature.KSM,
    "populate_read": Feature.POPULATE,
    "populate_write": Feature.POPULATE,
}


FOLLOWERS = {
    "kvm": "a guest, which needs KVM",
    "gpc": "a guest, which needs KVM",
    "odp": "a NIC with on-demand paging",
    "sva": "an IOMMU with page requests (PRI)",
    "user_map": "user_map, which is in no kernel",
}
"""By word of mirror(): what would have to follow the address space."""

_BAD_FRAMES = (Feature.FRAMES, Feature.BAD_FRAMES)
_FOLLOWER = "a device or guest that follows an address space"
MODEL_ONLY = MappingProxyType(
    {
        "numa_hint": "NUMA balancing that looks at a page when it is told to",
        "compact": "compaction that tells which pages it moved, or moves those of a test for sure",
        "reap": "a process that the kernel kills for want of memory",
        "vgetrandom_alloc": "vgetrandom_alloc(2), which no release has",
        "kill": "a process that is looked at after it was killed",
        "limit": "a memory cgroup that is full, with nobody to kill",
        "guest_read": "a guest, which needs KVM",
        "guest_write": "a guest, which needs KVM",
        "emulate": "a guest, which needs KVM",
        "offline": "memory that can be taken out of use, for good where it fails",
        "load_text": "code of the kernel's in the same block of memory as the pages of a test",
        "look": "somebody who reads memory that is not his, by a bug or a privilege",
        "parse": "a system call that tells what it checked and what it used",
        "mirror": _FOLLOWER,
        "mirror_read": _FOLLOWER,
        "mirror_write": _FOLLOWER,
        "mirror_has": _FOLLOWER,
        "mirror_drop": _FOLLOWER,
        "enter": FOLLOWERS["user_map"],
        "leave": FOLLOWERS["user_map"],
    }
)
"""The verbs without an entry: what a live kernel would have to give."""


def missing(statement: Statement) -> str:
    """Why there is no entry for a statement's verb."""
    what = MODEL_ONLY.get(statement.verb)
    if what is None:
        return f"nobody has written how {statement.verb}() is done on a live kernel"
    for arg in statement.args:
        if isinstance(arg, Words) and arg.group == "follow":
            what = _word(arg, FOLLOWERS)
    return f"{statement.verb}() needs {what}; there is no statement for it"


PAGEMAP_BITS = {"present": "63", "exclusive": "56", "swapped": "62", "soft_dirty": "PM_SOFT_DIRTY"}
UFFD_MODES = {
    "missing": "UFFD_MODE_MISSING",
    "wp": "UFFD_MODE_WP",
    "minor": "UFFD_MODE_MINOR",
}
KPAGEFLAGS_BITS = {
    "anonymous": "12",
    "swapbacked": "14",
    "swapcache": "13",
    "zero": "24",
    "ksm": "21",
    "thp": "22",
}


def rule_of(statement: Statement) -> Rule | None:
    """The entry of a statement's verb; None if nobody has written it yet."""
    return STATEMENTS.get(statement.verb)


def needs_of(program: Program, statement: Statement) -> tuple[Feature, ...]:
    """What a kernel must offer for a statement whose verb has an entry. Memory that is droppable
    and nothing else needs no swap to be reclaimed."""
    rule = STATEMENTS[statement.verb]
    needs = [*rule.needs, *(rule.word_needs[w] for w in rule.word_needs if w in said(statement))]
    if Feature.SWAP in needs and not _pages_of(program, statement) & _swapbacked(program):
        needs.remove(Feature.SWAP)
    return tuple(needs)


def said(statement: Statement) -> set[str]:
    """The words of a statement."""
    return {word for arg in statement.args if isinstance(arg, Words) for word in arg.words}


def _pages_of(program: Program, statement: Statement) -> set[str]:
    """The pages that a statement names, by its range or one by one."""
    found = {arg.name for arg in statement.args if isinstance(arg, Page)}
    for arg in statement.args:
        if isinstance(arg, Range):
            first, last = program.pages.index(arg.first), program.pages.index(arg.last)
            found |= set(program.pages[first : last + 1])
    return found


def _swapbacked(program: Program) -> set[str]:
    """The pages where something else than droppable memory may stand. What moves takes part in
    what all of those are that it is moved with."""
    statements = [s for task in program.tasks for s in task.statements]
    found: set[str] = set()
    for mapping in (s for s in statements if s.verb in ("mmap", "mmap_file")):
        if "droppable" not in said(mapping):
            found |= _pages_of(program, mapping)
    moves = [_pages_of(program, s) for s in statements if s.verb in ("mremap", "uffd_move")]
    for _ in moves:
        for pages in moves:
            if pages & found:
                found |= pages
    return found


def call_of(names: Names, statement: Statement) -> str:
    """The C statement: `REG(0) = load(0, 1);`."""
    rule = STATEMENTS[statement.verb]
    call = rule.call(names, statement)
    dest = statement.dest
    return f"REG({dest.index}) = {call};" if dest is not None else f"{call};"


def _value(value: Int | Register) -> str:
    return str(value.value) if isinstance(value, Int) else f"REG({value.index})"


def _word(words: Words, table: Mapping[str, str]) -> str:
    return next(table[word] for word in table if word in words.words)


def _argument(names: Names, arg: object) -> str:
    """What C is told of an argument that is not words."""
    match arg:
        case Range():
            return names.pages(arg)
        case Cell(name, index) | FileCell(name, index):
            return f"{names.c(name)}, {index}"
        case Page(name) | Name(name) | FileName(name) | Pipe(name):
            return names.c(name)
        case Int() | Register():
            return _value(arg)
    raise AssertionError(arg)


def _plain(function: str) -> Call:
    """The call of a verb whose arguments C takes one by one as they stand."""
    return lambda names, s: f"{function}({', '.join(_argument(names, arg) for arg in s.args)})"


def _mmap(names: Names, s: Statement) -> str:
    match s.args:
        case (Range() as pages, Words() as prot, Words(words=words)):
            fixed = "MAP_FIXED" if "fixed" in words else "MAP_FIXED_NOREPLACE"
            kind = "MAP_DROPPABLE" if "droppable" in words else "MAP_PRIVATE"
            flags = f"{kind} | MAP_ANONYMOUS | {fixed}"
            flags += " | MAP_LOCKED" * ("locked" in words)
            flags += " | MAP_POPULATE" * ("populate" in words)
            return f"map({names.pages(pages)}, {_word(prot, PROT)}, {flags})"
    raise AssertionError(s)


def _mmap_file(names: Names, s: Statement) -> str:
    match s.args:
        case (Range() as pages, FileName(file), Words() as prot, _, Words(words=words)):
            fixed = "MAP_FIXED" if "fixed" in words else "MAP_FIXED_NOREPLACE"
            flags = f"{'MAP_SHARED' if 'shared' in words else 'MAP_PRIVATE'} | {fixed}"
            place = f"{names.pages(pages)}, {names.c(file)}"
            return f"map_file({place}, {_word(prot, PROT)}, {flags})"
    raise AssertionError(s)


def _uprobe(wanted: int) -> Call:
    def call(names: Names, s: Statement) -> str:
        match s.args:
            case (FileCell(file, offset),):
                return f"ask_for_uprobe({names.c(file)}, {offset}, {wanted})"
        raise AssertionError(s)

    return call


def _ioctl(names: Names, s: Statement) -> str:
    match s.args:
        case (FileName(file), Words(words=words)):
            return f"free_buffer({names.c(file)}, {int('realloc' in words)})"
    raise AssertionError(s)


def _mlock(names: Names, s: Statement) -> str:
    match s.args:
        case (Range() as pages, Words(words=words)):
            return f"lock({names.pages(pages)}, {'MLOCK_ONFAULT' if words else 0})"
    raise AssertionError(s)


def _mlockall(names: Names, s: Statement) -> str:
    match s.args:
        case (Words(words=words),):
            flags = " | ".join(f"MCL_{word.upper()}" for word in sorted(words))
            return f"lock_all({flags or 0})"
    raise AssertionError(s)


def _futex(names: Names, s: Statement) -> str:
    match s.args:
        case (Page(page), Words(words=words)):
            private = "FUTEX_WAKE_PRIVATE" if "private" in words else "FUTEX_WAKE"
            return f"look_up_futex({names.c(page)}, {private})"
    raise AssertionError(s)


def _mprotect(names: Names, s: Statement) -> str:
    match s.args:
        case (Range() as pages, Words() as prot):
            return f"protect({names.pages(pages)}, {_word(prot, PROT)})"
    raise AssertionError(s)


def _madvise(names: Names, s: Statement) -> str:
    match s.args:
        case (Range() as pages, Words() as advice):
            return f"advise({names.pages(pages)}, {_word(advice, ADVICE)})"
    raise AssertionError(s)


def _read(names: Names, s: Statement) -> str:
    match s.args:
        case (Pipe(pipe, cell),):
            return f"read_page({names.c(pipe)}, {cell or 0})"
    raise AssertionError(s)


def _take(names: Names, s: Statement) -> str:
    match s.args:
        case (Page(page), Pin(pin), *_):
            return names.pins[pin].take(names.c(pin), names.c(page))
    raise AssertionError(s)


def _unpin(names: Names, s: Statement) -> str:
    # `dirty` is lost: no call lets user space choose. Only swap and files could tell.
    match s.args:
        case (Pin(pin), *_):
            return f"{names.pins[pin].means.prefix}_unpin({names.c(pin)})"
    raise AssertionError(s)


def _dma_read(names: Names, s: Statement) -> str:
    match s.args:
        case (Pin(pin, cell),):
            return f"{names.pins[pin].means.prefix}_read({names.c(pin)}, {cell or 0})"
    raise AssertionError(s)


def _dma_write(names: Names, s: Statement) -> str:
    match s.args:
        case (Pin(pin, cell), (Int() | Register()) as value):
            place = f"{names.c(pin)}, {cell or 0}"
            return f"{names.pins[pin].means.prefix}_write({place}, {_value(value)})"
    raise AssertionError(s)


def _uffd_register(names: Names, s: Statement) -> str:
    match s.args:
        case (Range() as pages, Words() as mode):
            return f"uffd_register({names.pages(pages)}, {_word(mode, UFFD_MODES)})"
    raise AssertionError(s)


def _uffd_writeprotect(protect: int) -> Call:
    def call(names: Names, s: Statement) -> str:
        match s.args:
            case (Range() as pages,):
                return f"uffd_writeprotect({names.pages(pages)}, {protect})"
        raise AssertionError(s)

    return call


def _pagemap(names: Names, s: Statement) -> str:
    match s.args:
        case (Page(page), Words() as what):
            return f"pagemap_bit({names.c(page)}, {_word(what, PAGEMAP_BITS)})"
    raise AssertionError(s)


def _vmstat(names: Names, s: Statement) -> str:
    return f"has_grown({int('collapses' in said(s))})"


def _kpageflags(names: Names, s: Statement) -> str:
    match s.args:
        case (Page(page), Words() as what):
            return f"kpage_flag({names.c(page)}, {_word(what, KPAGEFLAGS_BITS)})"
    raise AssertionError(s)


STATEMENTS: Mapping[str, Rule] = MappingProxyType(
    {
        "user_load": Rule(_plain("load"), "verbs/user_load.c"),
        "user_store": Rule(_plain("store"), "verbs/user_store.c"),
        "copy_to_user": Rule(_plain("copy_to_user"), "verbs/copy_to_user.c"),
        "mmap": Rule(_mmap, "verbs/mmap.c", word_needs={"droppable": Feature.DROPPABLE}),
        "mmap_file": Rule(
            _mmap_file,
            "verbs/files.c",
            word_needs={
                "regular": Feature.REGULAR_FILES,
                "shmem": Feature.SHMEM_FILES,
                "secret": Feature.SECRET_FILES,
                "io_uring": Feature.RINGS,
                "packet": Feature.PACKET_RINGS,
                "bpf": Feature.BPF_ARRAYS,
                "ringbuf": Feature.BPF_RING_BUFFERS,
                "arena": Feature.BPF_ARENAS,
                "perf": Feature.PERF_BUFFERS,
            },
        ),
        "close": Rule(_plain("close_file"), "verbs/files.c"),
        "receive": Rule(_plain("receive_file"), "verbs/receive.c"),
        "memlock": Rule(_plain("limit_locked"), "verbs/mlock.c"),
        "mlock": Rule(_mlock, "verbs/mlock.c"),
        "mlockall": Rule(_mlockall, "verbs/mlock.c"),
        "munlock": Rule(_plain("unlock"), "verbs/mlock.c"),
        "munlockall": Rule(_plain("unlock_all"), "verbs/mlock.c"),
        "futex": Rule(_futex, "verbs/futex.c"),
        "pread": Rule(_plain("read_file"), "verbs/files.c"),
        "pwrite": Rule(_plain("write_file"), "verbs/files.c"),
        "fsync": Rule(_plain("sync_file"), "verbs/files.c"),
        "truncate": Rule(_plain("truncate_file"), "verbs/files.c"),
        "uprobe_register": Rule(_uprobe(1), "verbs/uprobes.c", (Feature.UPROBES,)),
        "uprobe_unregister": Rule(_uprobe(0), "verbs/uprobes.c", (Feature.UPROBES,)),
        "ioctl": Rule(_ioctl, "verbs/drivers.c"),
        "kread": Rule(_plain("kernel_read"), "verbs/drivers.c"),
        "kwrite": Rule(_plain("kernel_write"), "verbs/drivers.c"),
        "drop_cache": Rule(_plain("drop_cache"), "verbs/files.c"),
        "munmap": Rule(_plain("unmap"), "verbs/munmap.c"),
        "mprotect": Rule(_mprotect, "verbs/mprotect.c"),
        "madvise": Rule(_madvise, "verbs/madvise.c", word_needs=ADVICE_NEEDS),
        "reclaim_file": Rule(
            _plain("reclaim_file"), "verbs/reclaim_file.c", (Feature.RECLAIM_FILE,)
        ),
        "reclaim": Rule(_plain("reclaim_all"), "verbs/reclaim.c", (Feature.RECLAIM,)),
        "ksm": Rule(_plain("ksm_scan"), "verbs/ksm.c", (Feature.KSM,)),
        "migrate": Rule(_plain("migrate_page"), "verbs/migrate.c", (Feature.NUMA,)),
        "poison": Rule(_plain("poison_page"), "verbs/poison.c", _BAD_FRAMES),
        "soft_offline": Rule(_plain("soft_offline_page"), "verbs/poison.c", _BAD_FRAMES),
        "mremap": Rule(_plain("move"), "verbs/mremap.c"),
        "mseal": Rule(_plain("seal"), "verbs/mseal.c", (Feature.SEAL,)),
        "fork": Rule(_plain("fork_task"), "verbs/fork.c"),
        "clone": Rule(_plain("clone_task"), "verbs/clone.c"),
        "exit": Rule(_plain("exit_task"), "verbs/exit.c", (Feature.PROC,)),
        "wait": Rule(_plain("wait_for"), "verbs/wait.c"),
        "vmsplice": Rule(_plain("splice_page"), "verbs/vmsplice.c", (Feature.PIPES,)),
        "splice": Rule(_plain("splice_file"), "verbs/splice.c", (Feature.PIPES,)),
        "read": Rule(_read, "verbs/read.c", (Feature.PIPES,)),
        "process_vm_readv": Rule(
            _plain("read_remote"), "verbs/process_vm_readv.c", (Feature.PROCESS_VM,)
        ),
        "process_vm_writev": Rule(
            _plain("write_remote"), "verbs/process_vm_writev.c", (Feature.PROCESS_VM,)
        ),
        "uffd_register": Rule(
            _uffd_register,
            "verbs/userfaults.c",
            (Feature.UFFD_MISSING,),
            word_needs={"wp": Feature.UFFD_WP, "minor": Feature.UFFD_MINOR},
        ),
        "uffd_copy": Rule(_plain("uffd_copy"), "verbs/userfaults.c", (Feature.UFFD_MISSING,)),
        "uffd_wp": Rule(_uffd_writeprotect(1), "verbs/userfaults.c", (Feature.UFFD_WP,)),
        "uffd_unprotect": Rule(_uffd_writeprotect(0), "verbs/userfaults.c", (Feature.UFFD_WP,)),
        "uffd_move": Rule(_plain("uffd_move"), "verbs/userfaults.c", (Feature.UFFD_MOVE,)),
        "uffd_continue": Rule(_plain("uffd_continue"), "verbs/userfaults.c", (Feature.UFFD_MINOR,)),
        "clear_refs": Rule(_plain("clear_refs"), "verbs/clear_refs.c", (Feature.SOFT_DIRTY,)),
        "pagemap": Rule(
            _pagemap,
            "verbs/pagemap.c",
            (Feature.PAGEMAP,),
            word_needs={"soft_dirty": Feature.SOFT_DIRTY},
        ),
        "kpagecount": Rule(
            _plain("mapcount_of"), "verbs/kpagecount.c", (Feature.FRAMES, Feature.KPAGE)
        ),
        "vmstat": Rule(_vmstat, "verbs/vmstat.c", (Feature.DIRECT_MAP,)),
        "kpageflags": Rule(_kpageflags, "verbs/kpageflags.c", (Feature.FRAMES, Feature.KPAGE)),
        "ptrace_peek": Rule(_plain("peek"), "verbs/ptrace.c", (Feature.PTRACE,)),
        "dump": Rule(_plain("dump_cell"), "verbs/dump.c", (Feature.CORES,)),
        "proc_mem_read": Rule(_plain("proc_mem_read"), "verbs/proc_mem.c", (Feature.PROC_MEM,)),
        "proc_mem_write": Rule(_plain("proc_mem_write"), "verbs/proc_mem.c", (Feature.PROC_MEM,)),
        "o_direct": Rule(_take, ""),
        "pin": Rule(_take, ""),
        "get": Rule(_take, ""),
        "unpin": Rule(_unpin, ""),
        "dma_read": Rule(_dma_read, ""),
        "dma_write": Rule(_dma_write, ""),
    }
)
"""By verb."""
