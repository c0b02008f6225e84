"""The verbs of the language: one entry each, words only.

The checker, the printer, the hints and the table in docs/grammar.md all come from here. To add a
verb, add an entry; to add a word to a verb, add it to the entry's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from pagefault.lang.words import ERRNOS, SIGNALS, WORDS

__all__ = [
    "ERRNOS",
    "KINDS",
    "QUANTIFIERS",
    "REGISTERS",
    "RESERVED",
    "SIGNALS",
    "VERBS",
    "WORDS",
    "Slot",
    "Verb",
]

Shape: TypeAlias = Literal[
    "pages",  # A or A..B
    "page",  # A
    "cell",  # A[2]
    "value",  # 5 or r0
    "pin",  # h
    "pin_cell",  # h[2]; h is h[0]
    "pipe",  # p: a page goes into it
    "pipe_cell",  # p[2]; p is p[0]
    "mirror",  # m: a device or guest that follows an address space
    "child",  # a process that starts here
    "thread",  # a thread that starts here
    "waited",  # a process that this task forks
    "file",  # f
    "file_cell",  # f[5]: cell 1 of the file's page 1
    "number",  # 2
    "process",  # any process
    "words",  # words of one group, see WORDS
]
Side: TypeAlias = Literal["argument", "result", "either"]
Returns: TypeAlias = Literal["value", "status", "nothing"]

_PRINT_ORDER = tuple(WORDS)


@dataclass(frozen=True)
class Slot:
    """One argument of a verb.

    `side` says where the text has it: in the parentheses, left of the `=`, or either. For the shape
    "words": exactly one of `one_of`, all of `required`, any of `optional`, of the words in `group`;
    `implied` is a word that the text never says: it is added if the verb's pages (side "either")
    stand in the parentheses.
    """

    shape: Shape
    label: str = ""
    side: Side = "argument"
    group: str = ""
    one_of: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    implied: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The words that the text may have here, in the order in which they are printed."""
        allowed = {*self.one_of, *self.required, *self.optional}
        return tuple(word for word in WORDS.get(self.group, ()) if word in allowed)


@dataclass(frozen=True)
class Verb:
    """A statement of the language.

    `slots` are in the order in which the kernel path takes its arguments. In the text, slots with
    words come last. `returns` is what a register gets that the statement is assigned to: data
    ("value"), or 0 or a negative errno ("status"). `call` is what the verb stands for.
    `spelling` is set for the accesses, which are not written as calls.
    """

    name: str
    slots: tuple[Slot, ...]
    returns: Returns
    help: str
    call: str
    examples: tuple[str, ...]
    in_device: bool = False
    spelling: str = ""

    @property
    def text_slots(self) -> tuple[Slot, ...]:
        """The slots of the parentheses that are not words, in the order of the text."""
        return tuple(s for s in self.slots if s.shape != "words" and s.side != "result")

    @property
    def word_slots(self) -> tuple[Slot, ...]:
        """The slots with words, in the order in which the text has them."""
        found = [s for s in self.slots if s.shape == "words"]
        return tuple(sorted(found, key=lambda slot: _PRINT_ORDER.index(slot.group)))

    @property
    def named(self) -> Slot | None:
        """The slot that stands left of the `=`, or may stand there; None if there is none."""
        return next((s for s in self.slots if s.side != "argument"), None)

    def usages(self) -> tuple[str, ...]:
        """How it is written, for a hint and for the table: `h = pin(A, read|write[, slow])`."""
        if self.spelling:
            return (self.spelling,)
        words = "".join(_words_usage(slot) for slot in self.word_slots)
        plain = [s.label for s in self.text_slots if s.side == "argument"]
        named = self.named
        if named is None:
            left = "r0 = " if self.returns == "value" else ""
            return (f"{left}{self.name}({(', '.join(plain) + words).removeprefix(', ')})",)
        result = f"{named.label} = {self.name}({(', '.join(plain) + words).removeprefix(', ')})"
        if named.side == "result":
            return (result,)
        return (result, f"{self.name}({', '.join([named.label, *plain])}{words})")


def _words_usage(slot: Slot) -> str:
    text = "".join(f", {word}" for word in slot.words if word in slot.required)
    if slot.one_of:
        text += ", " + "|".join(slot.one_of)
    return text + "".join(f"[, {word}]" for word in slot.words if word in slot.optional)


_PAGES = Slot("pages", "A")
_PAGE = Slot("page", "A")
_CELL = Slot("cell", "A[1]")
_VALUE = Slot("value", "5")
_PIN_CELL = Slot("pin_cell", "h[1]")
_NEW_PIN = Slot("pin", "h", side="result")
_MIRROR = Slot("mirror", "m")
_FILE = Slot("file", "f")
_FILE_CELL = Slot("file_cell", "f[1]")
_ANON = ("private", "droppable")
_PROT = Slot("words", group="prot", one_of=("r", "rw", "none"))

_ALL = (
    Verb(
        "user_load",
        (_CELL,),
        "value",
        "the CPU loads a cell; a signal's code if it may not",
        "a load instruction",
        ("r0 = A[1]",),
        spelling="r0 = A[1]",
    ),
    Verb(
        "user_store",
        (_CELL, _VALUE),
        "nothing",
        "the CPU stores into a cell; a signal if it may not",
        "a store instruction",
        ("A[1] = 2", "A[1] = r0"),
        spelling="A[1] = 5",
    ),
    Verb(
        "mmap",
        (
            Slot("pages", "A", side="either"),
            _PROT,
            Slot("words", group="map", required=("anon",), one_of=_ANON, implied="fixed"),
        ),
        "status",
        "maps new pages; with the pages in the parentheses, over what is there (MAP_FIXED)",
        "mmap(2)",
        (
            "A = mmap(anon, private, rw)",
            "A, B = mmap(anon, private, r)",
            "mmap(A, anon, private, none)",
            "A = mmap(anon, droppable, rw)",
        ),
    ),
    Verb(
        "mmap_file",
        (
            Slot("pages", "A", side="either"),
            _FILE,
            _PROT,
            Slot("words", group="file", one_of=tuple(WORDS["file"])),
            Slot("words", group="map", one_of=("private", "shared"), implied="fixed"),
        ),
        "status",
        "maps a file from its beginning; with the pages in the parentheses, over what is there",
        "mmap(2) of a file",
        (
            "A = mmap_file(f, regular, shared, rw)",
            "A, B = mmap_file(f, shmem, private, r)",
            "mmap_file(A, f, shmem, private, rw)",
        ),
    ),
    Verb(
        "munmap",
        (_PAGES,),
        "status",
        "unmaps pages",
        "munmap(2)",
        ("munmap(A)", "munmap(A..B)"),
    ),
    Verb(
        "mprotect",
        (_PAGES, _PROT),
        "status",
        "changes the rights of pages",
        "mprotect(2)",
        ("mprotect(A, r)", "r1 = mprotect(A..B, none)"),
    ),
    Verb(
        "madvise",
        (
            _PAGES,
            Slot(
                "words",
                group="advice",
                one_of=tuple(WORDS["advice"]),
            ),
        ),
        "status",
        "gives advice about pages",
        "madvise(2)",
        ("madvise(A, dontneed)", "madvise(A..B, wipeonfork)"),
    ),
    Verb(
        "reclaim",
        (),
        "status",
        "reclaims what can be had of the memory of all tasks: to swap, though several map a page",
        "write(2) to memory.reclaim of their cgroup",
        ("reclaim()",),
    ),
    Verb(
        "limit",
        (Slot("number", "2"),),
        "status",
        "all tasks together may have so many anonymous pages, and nothing more can be reclaimed",
        "write(2) to memory.max of their cgroup, whose OOM killer is off",
        ("limit(2)",),
    ),
    Verb(
        "ksm",
        (),
        "status",
        "merges pages with equal contents, of all memory that is mergeable",
        "ksmd, /sys/kernel/mm/ksm/run",
        ("ksm()",),
    ),
    Verb(
        "migrate",
        (_PAGE,),
        "status",
        "moves a page to another frame; EAGAIN where somebody else refers to it",
        "move_pages(2) to another node, MPOL_MF_MOVE_ALL",
        ("migrate(A)", "r0 = migrate(A)"),
    ),
    Verb(
        "mremap",
        (_PAGES, Slot("page", "X", side="result")),
        "status",
        "moves pages to a new name",
        "mremap(2), MREMAP_MAYMOVE and MREMAP_FIXED",
        ("X = mremap(A)", "X, Y = mremap(A..B)"),
    ),
    Verb(
        "fork",
        (Slot("child", "C"),),
        "status",
        "starts process C with a copy of this address space",
        "fork(2)",
        ("fork(C)",),
    ),
    Verb(
        "clone",
        (Slot("thread", "T"),),
        "status",
        "starts thread T in this address space",
        "clone(2), CLONE_VM and CLONE_THREAD",
        ("clone(T)",),
    ),
    Verb(
        "exit",
        (),
        "nothing",
        "ends this task alone; an address space that nobody uses any more is torn down",
        "_exit(2)",
        ("exit()",),
    ),
    Verb(
        "wait",
        (Slot("waited", "C"),),
        "status",
        "waits until process C, which this task forked, and all its threads have called exit()",
        "waitpid(2)",
        ("wait(C)",),
    ),
    Verb(
        "pin",
        (
            _PAGE,
            _NEW_PIN,
            Slot("words", group="gup", one_of=("read", "write"), optional=("longterm", "slow")),
        ),
        "status",
        "takes a FOLL_PIN reference for a device",
        "pin_user_pages_fast(), as by io_uring registered buffers or RDMA",
        ("h = pin(A, read)", "h = pin(A, write, longterm, slow)"),
    ),
    Verb(
        "get",
        (
            _PAGE,
            _NEW_PIN,
            Slot("words", group="gup", one_of=("read", "write"), optional=("slow",)),
        ),
        "status",
        "takes a FOLL_GET reference",
        "get_user_pages_fast()",
        ("h = get(A, read)", "h = get(A, write, slow)"),
    ),
    Verb(
        "o_direct",
        (
            _PAGE,
            _NEW_PIN,
            Slot("words", group="gup", one_of=("read", "write"), optional=("slow",)),
        ),
        "status",
        "begins an O_DIRECT transfer from the page (read) or into it (write); unpin ends it",
        "write(2) or read(2) of a file with O_DIRECT, under way",
        ("h = o_direct(A, write)", "h = o_direct(A, read, slow)"),
    ),
    Verb(
        "unpin",
        (Slot("pin", "h"), Slot("words", group="drop", optional=("dirty",))),
        "status",
        "drops a pin or a FOLL_GET reference",
        "unpin_user_page(), put_page()",
        ("unpin(h)", "unpin(h, dirty)"),
    ),
    Verb(
        "dma_read",
        (_PIN_CELL,),
        "value",
        "the device reads a cell of the pinned page; waits until the pin is there",
        "DMA from memory",
        ("r0 = dma_read(h)", "r0 = dma_read(h[1])"),
        in_device=True,
    ),
    Verb(
        "dma_write",
        (_PIN_CELL, _VALUE),
        "status",
        "the device writes a cell of the pinned page; waits until the pin is there",
        "DMA to memory",
        ("dma_write(h, 5)", "r1 = dma_write(h[1], r0)"),
        in_device=True,
    ),
    Verb(
        "vmsplice",
        (_PAGE, Slot("pipe", "p")),
        "status",
        "puts a reference to a page, not a copy, into a pipe",
        "vmsplice(2)",
        ("vmsplice(A, p)",),
    ),
    Verb(
        "read",
        (Slot("pipe_cell", "p[1]"),),
        "value",
        "takes the oldest page out of a pipe and reads a cell of it; waits until there is one",
        "read(2) on a pipe",
        ("r0 = read(p)", "r0 = read(p[1])"),
    ),
    Verb(
        "uffd_register",
        (_PAGES, Slot("words", group="uffd", one_of=("missing", "wp", "minor"))),
        "status",
        "registers pages with userfaultfd: accesses wait until a task answers",
        "ioctl(2) UFFDIO_REGISTER",
        ("uffd_register(A, missing)", "uffd_register(A..B, wp)"),
    ),
    Verb(
        "uffd_copy",
        (_CELL, _VALUE),
        "status",
        "supplies a missing page: this cell holds the value, all others 0; who waits goes on",
        "ioctl(2) UFFDIO_COPY",
        ("uffd_copy(A[0], 5)", "r1 = uffd_copy(A[1], r0)"),
    ),
    Verb(
        "uffd_wp",
        (_PAGES,),
        "status",
        "write-protects registered pages that are there",
        "ioctl(2) UFFDIO_WRITEPROTECT, UFFDIO_WRITEPROTECT_MODE_WP",
        ("uffd_wp(A)", "r0 = uffd_wp(A..B)"),
    ),
    Verb(
        "uffd_unprotect",
        (_PAGES,),
        "status",
        "ends the write-protection; who waits goes on",
        "ioctl(2) UFFDIO_WRITEPROTECT, mode 0",
        ("uffd_unprotect(A)", "r0 = uffd_unprotect(A..B)"),
    ),
    Verb(
        "uffd_move",
        (_PAGE, Slot("page", "B")),
        "status",
        "moves page A to B, which is registered and missing; who waits for B goes on",
        "ioctl(2) UFFDIO_MOVE",
        ("uffd_move(A, B)", "r0 = uffd_move(A, B)"),
    ),
    Verb(
        "uffd_continue",
        (_PAGE,),
        "status",
        "maps what the page cache of a shmem file has; who waits goes on",
        "ioctl(2) UFFDIO_CONTINUE",
        ("uffd_continue(A)", "r0 = uffd_continue(A)"),
    ),
    Verb(
        "pread",
        (_FILE_CELL,),
        "value",
        "reads a cell of a file; ENOENT beyond its end",
        "pread(2)",
        ("r0 = pread(f[1])",),
    ),
    Verb(
        "pwrite",
        (_FILE_CELL, _VALUE),
        "status",
        "writes a cell of a file, which grows to whole pages where it must",
        "pwrite(2)",
        ("pwrite(f[1], 5)", "r1 = pwrite(f[5], r0)"),
    ),
    Verb(
        "fsync",
        (_FILE,),
        "status",
        "writes to the disk what is dirty of a file, and waits for that",
        "fsync(2)",
        ("fsync(f)", "r0 = fsync(f)"),
    ),
    Verb(
        "truncate",
        (_FILE, Slot("number", "1")),
        "status",
        "makes a file so many pages long",
        "ftruncate(2)",
        ("truncate(f, 0)", "r0 = truncate(f, 2)"),
    ),
    Verb(
        "ioctl",
        (_FILE, Slot("words", group="ioctl", one_of=tuple(WORDS["ioctl"]))),
        "status",
        "asks a driver for something that concerns its buffer",
        "ioctl(2), setsockopt(2) or io_uring_register(2) of a driver",
        ("ioctl(f, discard)", "r0 = ioctl(f, realloc)"),
    ),
    Verb(
        "close",
        (_FILE,),
        "status",
        "closes a driver's only descriptor; each mapping still holds the file",
        "close(2)",
        ("close(f)", "r0 = close(f)"),
    ),
    Verb(
        "kread",
        (_FILE_CELL,),
        "value",
        "the kernel reads a driver's buffer by its own address; EINVAL where there is none",
        "bpf_map_lookup_elem()",
        ("r0 = kread(f[1])",),
    ),
    Verb(
        "kwrite",
        (_FILE_CELL, _VALUE),
        "status",
        "the kernel writes a driver's buffer by its own address; EINVAL where there is none",
        "bpf_map_update_elem()",
        ("kwrite(f[1], 5)", "r0 = kwrite(f[5], r0)"),
    ),
    Verb(
        "drop_cache",
        (_FILE,),
        "status",
        "takes what is clean and nobody maps out of the page cache of a file",
        "posix_fadvise(2), POSIX_FADV_DONTNEED, after fsync(2)",
        ("drop_cache(f)",),
    ),
    Verb(
        "numa_hint",
        (_PAGES,),
        "status",
        "the kernel takes all access away for a while, to learn who uses the pages",
        "NUMA balancing, task_numa_work()",
        ("numa_hint(A)", "numa_hint(A..B)"),
    ),
    Verb(
        "clear_refs",
        (),
        "status",
        "forgets which pages were written: none is soft-dirty any more",
        "write(2) of 4 to /proc/self/clear_refs",
        ("clear_refs()", "r0 = clear_refs()"),
    ),
    Verb(
        "pagemap",
        (
            _PAGE,
            Slot(
                "words", group="pagemap", one_of=("present", "exclusive", "swapped", "soft_dirty")
            ),
        ),
        "value",
        "looks what the kernel says of a page: 1 or 0",
        "read(2) of /proc/thread-self/pagemap",
        ("r0 = pagemap(A, present)", "r0 = pagemap(A, soft_dirty)"),
    ),
    Verb(
        "process_vm_readv",
        (Slot("process", "P"), _CELL),
        "value",
        "reads a cell of another process's memory",
        "process_vm_readv(2)",
        ("r0 = process_vm_readv(P, A[1])",),
    ),
    Verb(
        "process_vm_writev",
        (Slot("process", "P"), _CELL, _VALUE),
        "status",
        "writes a cell of another process's memory",
        "process_vm_writev(2)",
        ("process_vm_writev(P, A[1], 5)", "r1 = process_vm_writev(P, A[1], r0)"),
    ),
    Verb(
        "reap",
        (Slot("process", "P"),),
        "status",
        "takes the pages of a process away; EAGAIN where a notifier would have to wait",
        "the OOM reaper",
        ("reap(P)",),
    ),
    Verb(
        "parse",
        (_CELL,),
        "value",
        "the kernel reads a cell, checks it, and gives what it then uses",
        "a system call that parses a header in user memory",
        ("r0 = parse(A[1])",),
    ),
    Verb(
        "mirror",
        (
            Slot("mirror", "m", side="result"),
            Slot("words", group="follow", one_of=("kvm", "gpc", "odp", "sva", "user_map")),
        ),
        "status",
        "lets a device follow this address space, with page-table entries of its own",
        "KVM_CREATE_VM, ibv_reg_mr() with IBV_ACCESS_ON_DEMAND, iommu_sva_bind_device()",
        ("m = mirror(kvm)", "m = mirror(user_map)"),
    ),
    Verb(
        "enter",
        (_MIRROR, _PAGE),
        "status",
        "begins a section that uses the page, as a job of a GPU does; only for user_map",
        "user_map_enter()",
        ("enter(m, A)",),
        in_device=True,
    ),
    Verb(
        "leave",
        (_MIRROR, Slot("words", group="leaving", optional=("put",))),
        "status",
        "ends the section, as the fence of the job does; EAGAIN where it must be done again",
        "user_map_leave()",
        ("leave(m)", "r0 = leave(m, put)"),
        in_device=True,
    ),
    Verb(
        "mirror_read",
        (_MIRROR, _CELL),
        "value",
        "the device reads a cell by its own entry, or faults; waits until it follows",
        "a load of the guest, DMA by virtual address",
        ("r0 = mirror_read(m, A[1])",),
        in_device=True,
    ),
    Verb(
        "mirror_write",
        (_MIRROR, _CELL, _VALUE),
        "status",
        "the device writes a cell by its own entry, or faults; waits until it follows",
        "a store of the guest, DMA by virtual address",
        ("mirror_write(m, A[1], 5)", "r1 = mirror_write(m, A[1], r0)"),
        in_device=True,
    ),
    Verb(
        "mirror_has",
        (_MIRROR, _PAGE),
        "value",
        "1 if the device has an entry for the page, so that it needs no fault to read, else 0",
        "a look at the device's page tables",
        ("r0 = mirror_has(m, A)",),
        in_device=True,
    ),
    Verb(
        "mirror_drop",
        (_MIRROR,),
        "status",
        "the device stops following and drops its entries",
        "close(2) of the KVM, ibv_dereg_mr(), iommu_sva_unbind_device()",
        ("mirror_drop(m)",),
        in_device=True,
    ),
    Verb(
        "proc_mem_read",
        (Slot("process", "P"), _CELL),
        "value",
        "reads a cell of another process's memory, whatever its protection (FOLL_FORCE)",
        "read(2) of /proc/PID/mem",
        ("r0 = proc_mem_read(P, A[1])",),
    ),
    Verb(
        "proc_mem_write",
        (Slot("process", "P"), _CELL, _VALUE),
        "status",
        "writes a cell of another process's memory, whatever its protection (FOLL_FORCE)",
        "write(2) of /proc/PID/mem",
        ("proc_mem_write(P, A[1], 5)", "r1 = proc_mem_write(P, A[1], r0)"),
    ),
    Verb(
        "kpagecount",
        (_PAGE,),
        "value",
        "how many page table entries map the frame of a page; EFAULT where it has none",
        "read(2) of /proc/kpagecount",
        ("r0 = kpagecount(A)",),
    ),
    Verb(
        "kpageflags",
        (
            _PAGE,
            Slot(
                "words",
                group="kpageflags",
                one_of=("anonymous", "swapbacked", "swapcache", "zero", "ksm", "thp"),
            ),
        ),
        "value",
        "looks what the kernel says of the frame of a page: 1, 0, or EFAULT where it has none",
        "read(2) of /proc/kpageflags",
        ("r0 = kpageflags(A, anonymous)", "r0 = kpageflags(A, zero)"),
    ),
)

VERBS: Mapping[str, Verb] = MappingProxyType({verb.name: verb for verb in _ALL})
"""Every verb by name, in the order of the documentation."""

KINDS = ("process", "thread", "device")
REGISTERS = tuple(f"r{n}" for n in range(8))
QUANTIFIERS = ("exists", "~exists", "forall")

RESERVED = frozenset(
    {
        *VERBS,
        *(word for group in WORDS.values() for word in group),
        *ERRNOS,
        *SIGNALS,
        *KINDS,
        *REGISTERS,
        "exists",
        "forall",
        "on",
        "cpu",
        "and",
        "or",
        "not",
        "signal",
    }
)
"""Words that can't name a task, page, pin, pipe or mirror."""
