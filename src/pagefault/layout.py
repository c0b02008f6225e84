"""The whole machine as one state: annotated classes, and the two forms that are made from them.

Each class below is a piece of the machine; its fields stand in groups by what protects them. From
the classes come

- `STATE`, one NumPy record dtype, the form that compiled paths work on, and
- `new_state()`, the form that interpreted paths work on: views over one flat list of integers.

A path reads the same in both: `st.folio[pfn].refcount += 1`. The layout is fixed and the same for
every design, so compiled code never depends on a design's data; designs use the `private` fields.
Every value is a small signed integer and every field of a new state is 0.
"""

# mypy: disable-error-code="valid-type"
# The annotations here are field types made at import time (`i2`, `i1[CELLS]`), not classes.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pagefault.consts import (
    CELLS,
    NR_CHOICES,
    NR_CPUS,
    NR_FILE_PAGES,
    NR_FILES,
    NR_FRAMES,
    NR_GATHER,
    NR_LITMUS_REGS,
    NR_MM,
    NR_PFN,
    NR_PINS,
    NR_PIPE_BUFS,
    NR_PIPES,
    NR_PMD,
    NR_PRIVATE,
    NR_PTPAGE,
    NR_RECLAIM,
    NR_REGS,
    NR_SECONDARY,
    NR_SWAP,
    NR_TASKS,
    NR_VMALLOC,
    NR_VMALLOC_PAGES,
    NR_VPN,
    PTRS_PER_PTE,
)


@dataclass(frozen=True)
class Int:
    """A signed integer field. `kind` says what the number names: a "pfn", a packed "pte" or "".

    `who` says it of tasks: a "task" (plus 1), a "cpu", a mask of "cpus" or "". Neither is part of
    the record form.
    """

    code: str
    kind: str = ""
    who: str = ""

    def __getitem__(self, length: int) -> ArrayOf:
        return ArrayOf(self, length)


@dataclass(frozen=True)
class ArrayOf:
    """A fixed number of integers or of structs."""

    element: Int | type[Struct]
    length: int


class Struct:
    """Base of the classes that describe a piece of the machine. Never instantiated."""

    FIELDS: dict[str, Int | ArrayOf | type[Struct]]

    def __init_subclass__(cls) -> None:
        module = globals()
        cls.FIELDS = {
            name: eval(text, module) if isinstance(text, str) else text
            for name, text in cls.__annotations__.items()
            if name != "FIELDS"
        }


def array(element: type[Struct], length: int) -> ArrayOf:
    """A field of `length` structs."""
    return ArrayOf(element, length)


i1 = Int("i1")
i2 = Int("i2")
i4 = Int("i4")
pfn_t = Int("i1", "pfn")
pte_t = Int("i4", "pte")
task_t = Int("i1", who="task")
cpu_t = Int("i1", who="cpu")
cpus_t = Int("i1", who="cpus")


class Page(Struct):
    """One base page (struct page, include/linux/mm_types.h), named by its pfn."""

    # nobody: whoever reaches the page can write it
    cell: i1[CELLS]
    writer: i1[CELLS]  # ghost: mm + 1 of whoever wrote the cell, 0 the kernel
    audience: i1[CELLS]  # ghost: bit mask of the mms that may see what the cell holds; SECRET

    # page-table lock of the PTE that maps it; GUP-fast reads it under write_protect_seq
    anon_exclusive: i1

    # atomic
    mapcount: i2  # PTEs that map this page

    compound_head: pfn_t  # of a large folio: the pfn that its Folio record is under
    dangling: i1  # ghost: freed while a PTE, TLB entry, pin or pipe still named it


class Folio(Struct):
    """One folio (struct folio, include/linux/mm_types.h), under the pfn of its head page."""

    # atomic
    refcount: i2  # all references; a FOLL_PIN of a small folio counts GUP_PIN_COUNTING_BIAS
    pincount: i2  # large folios: FOLL_PINs, exact
    large_mapcount: i2
    entire_mapcount: i1  # PMDs that map it whole

    # folio lock
    locked: task_t  # task + 1
    pg_flags: i2
    mapping: i1  # file + 1 of a page-cache folio
    index: i1
    swap: i1  # swap slot + 1 of a swap-cache folio

    order: i1
    private: i2[NR_PRIVATE]


class DirectMap(Struct):
    """The kernel's linear mapping of one page (arch/x86/mm/pat/set_memory.c)."""

    absent: i1  # 1 after set_direct_map_invalid_noflush()
    split: i1  # 0 part of a large mapping, 1 mapped by a PTE of its own
    stale_cpus: cpus_t  # mask of the CPUs whose TLB still holds the old entry


class PtPage(Struct):
    """A page-table page with its split lock (struct ptdesc)."""

    in_use: i1
    ptl: task_t  # task + 1

    # ptl; the hardware walker and GUP-fast read without it
    pte: pte_t[PTRS_PER_PTE]


class Vma(Struct):
    """What mmap made of one page. Where a VMA ends is for vma_end() in mm/vma.py to say."""

    # mmap_lock
    vm_flags: i4
    anon_vma: i1  # its number, 0 for none: the VMA may hold anonymous pages; see mm/vma.py
    vm_pgoff: i1  # less the vpn: for anonymous memory 0 where it was never moved
    vm_lock: i1
    private: i2

    # mmap_lock and i_mmap_rwsem: until munmap() has zapped its pages a VMA can be found by its file
    vm_file: i1  # file + 1


class Shadow(Struct):
    """Ghost: the byte that the next load of this address space must see, as a number from 0 to 255,
    plus 1; 0 where nothing is owed."""

    cell: i2[CELLS]
    letting_go: i1  # calls under way that give the page up: what is stored meanwhile may be lost
    soft_dirty: i1  # what pagemap owes: SOFT_DIRTY_*
    clearing: i1  # clear_refs() calls under way: what is written meanwhile may be reported or not
    uffd_wp: i1  # a userfaultfd write-protected the page: no store may pass unseen


class Mm(Struct):
    """An address space (struct mm_struct)."""

    mmap_lock: i1  # -1 a writer, n readers
    mm_users: i1
    mm_cpumask: cpus_t

    # mmap_lock for writing
    vma: array(Vma, NR_VPN)
    pmd: pte_t[NR_PMD]  # those that map a huge page: pmd_ptl
    pmd_ptl: task_t  # task + 1: the split lock of the page of PMDs
    mm_flags: i2
    rlimit_memlock: i1  # pages + 1, 0 for no limit
    write_protect_seq: i1

    # atomic
    tlb_flush_pending: i1
    tlb_flush_batched: i1
    notifier_seq: i1
    notifier_active: i1

    shadow: array(Shadow, NR_VPN)
    private: i2[NR_PRIVATE]


class Cpu(Struct):
    """One CPU. Its TLB holds entries of the loaded address space until they are flushed."""

    irqs_off: i1
    current_task: task_t  # task + 1
    loaded_mm: i1  # mm + 1
    tlb: pte_t[NR_VPN]


class Frame(Struct):
    """A call of a kernel path that is under way: which path, where in it, its live locals."""

    path: i2
    pc: i2
    reg: i4[NR_REGS]


class MmuGather(Struct):
    """struct mmu_gather: what a zap has cleared and must flush before it may be freed."""

    nr: i1
    pfn: pfn_t[NR_GATHER]
    start: i1  # vpns [start, end) whose translations must go; nothing when equal
    end: i1
    freed_tables: i2  # mask of page-table pages to free
    delayed_rmap: i2  # mask of the places in `pfn` whose rmap goes after the flush


class Reclaim(Struct):
    """What a task that reclaims has in hand: its folio_list (mm/vmscan.c), and the TLB flush that
    it has put off (struct tlbflush_unmap_batch)."""

    nr: i1
    pfn: pfn_t[NR_RECLAIM]
    cpus: cpus_t  # mask of the CPUs to flush, 0 if no flush is required
    writable: i1  # one of the PTEs was dirty, so a CPU may write by its TLB


class Pin(Struct):
    """A reference that GUP handed out and that its user still holds."""

    state: i1
    gup_flags: i2
    pfn: pfn_t
    mm: i1
    vpn: i1
    promises: i1  # ghost: CPU and device must stay on one folio
    unmapped: i1  # ghost: the owner gave the range up itself
    dangling: i1  # ghost: the folio was freed under it


class Task(Struct):
    """A process' thread or a device, with the litmus program's view of it."""

    state: i1
    mm: i1
    cpu: cpu_t
    ip: i1  # the statement to run next, or under way while depth > 0
    depth: i1
    retval: i4
    signal: i1
    reg: i2[NR_LITMUS_REGS]
    gather: MmuGather
    reclaim: Reclaim
    pin: Pin  # of a system call that pins only while it runs
    userfault: i1  # mm * NR_VPN + vpn + 1 that it waits for, until userfaultfd wakes it
    revoked: i2[NR_CPUS]  # ghost: vpns whose TLB entries must be gone when the call returns
    private: i2[NR_PRIVATE]
    frame: array(Frame, NR_FRAMES)


class PipeBuf(Struct):
    """struct pipe_buffer that vmsplice filled: a FOLL_GET reference to a user page."""

    in_use: i1
    pfn: pfn_t
    giver: i1  # ghost: the mm that gave the page away
    dangling: i1


class Pipe(Struct):
    """struct pipe_inode_info: a ring, filled at `head` and drained at `tail`."""

    mutex: task_t  # task + 1

    buf: array(PipeBuf, NR_PIPE_BUFS)
    head: i1
    tail: i1


class SecondaryMmu(Struct):
    """A device or guest that follows an address space by notifiers and has its own entries."""

    in_use: i1
    mm: i1
    kind: i1
    lock: i1
    invalidate_seq: i1
    in_progress: i1
    fence: i1
    spte: pte_t[NR_VPN]
    private: i2[NR_PRIVATE]


class FilePage(Struct):
    """One page of a file: its page-cache folio and what the disk holds."""

    pfn: pfn_t  # 0 where the page cache has none
    disk: i1[CELLS]


class File(Struct):
    """A file's page cache (struct address_space) over what its disk holds."""

    kind: i1  # FILE_*, 0 for none
    closed: i1  # FILE_OPEN, ...: whether a descriptor is left
    i_rwsem: i1  # 1 while somebody writes or truncates
    i_mmap_rwsem: i1  # I_MMAP_WRITER, or n readers; what it protects are the VMAs that map the file
    invalidate_lock: i1  # INVALIDATE_LOCK_WRITER, or n who fill the page cache

    # i_rwsem for writing; read without it
    nr_pages: i1  # i_size

    # xa_lock of the page cache; its folios have a lock of their own
    page: array(FilePage, NR_FILE_PAGES)
    private: i2[NR_PRIVATE]


class SwapSlot(Struct):
    """A slot of the swap device (swap_map, mm/swapfile.c) and what was written to it."""

    count: i1
    cached: i1
    claimed: i1  # SWAP_HAS_CACHE without a folio: a reader bypasses the swap cache
    pfn: pfn_t
    cell: i1[CELLS]
    writer: i1[CELLS]
    audience: i1[CELLS]


class VmallocArea(Struct):
    """struct vmap_area: kernel virtual pages, unmapped lazily (mm/vmalloc.c)."""

    in_use: i1
    nr_pages: i1
    refcount: i2
    lazy: i1
    pfn: pfn_t[NR_VMALLOC_PAGES]
    mapped: i1  # mask of pages that the kernel page table still maps
    stale_cpus: cpus_t[NR_VMALLOC_PAGES]
    private: i2[NR_PRIVATE]


class State(Struct):
    """Everything. `choice`, `arity`, `nr_choices` and `broken` are 0 between steps."""

    # set at boot: how much of each this machine has, so that nobody looks at what is not used
    nr_tasks: i1
    nr_cpus: i1
    nr_mms: i1
    nr_vpns: i1
    nr_ptpages: i1
    nr_pfns: i1
    nr_pins: i1
    nr_pipes: i1
    nr_files: i1

    task: array(Task, NR_TASKS)
    cpu: array(Cpu, NR_CPUS)
    mm: array(Mm, NR_MM)
    ptpage: array(PtPage, NR_PTPAGE)
    folio: array(Folio, NR_PFN)
    page: array(Page, NR_PFN)
    direct_map: array(DirectMap, NR_PFN)
    pin: array(Pin, NR_PINS)
    pipe: array(Pipe, NR_PIPES)
    secondary: array(SecondaryMmu, NR_SECONDARY)
    file: array(File, NR_FILES)
    swap: array(SwapSlot, NR_SWAP)
    vmalloc: array(VmallocArea, NR_VMALLOC)
    private: i2[NR_PRIVATE]

    broken: i4
    bug: i1
    nr_choices: i1
    choice: i1[NR_CHOICES]
    arity: i1[NR_CHOICES]


PFN_INDEXED = ("folio", "page", "direct_map")
"""Arrays of the state that are indexed by a pfn: renumbering the folios permutes them."""
TASK_INDEXED = ("task",)
CPU_INDEXED = ("cpu", "revoked")
"""Those that are indexed by a task and by a CPU: exchanging tasks permutes them."""


# --- the compiled form: one NumPy record -------------------------------------------------------


WORD = 8


def dtype_of(field: Int | ArrayOf | type[Struct]) -> Any:
    """The NumPy dtype of a field."""
    if isinstance(field, Int):
        return np.dtype(field.code)
    if isinstance(field, ArrayOf):
        return np.dtype((dtype_of(field.element), (field.length,)))
    dtypes = [dtype_of(f) for f in field.FIELDS.values()]
    # Structs stand on words, so that a search can compare and copy them by the word.
    offsets, offset = [], 0
    for f, dtype in zip(field.FIELDS.values(), dtypes, strict=True):
        if not isinstance(f, Int) and not (isinstance(f, ArrayOf) and isinstance(f.element, Int)):
            offset = -(-offset // WORD) * WORD
        offsets.append(offset)
        offset += dtype.itemsize
    return np.dtype(
        {
            "names": list(field.FIELDS),
            "formats": dtypes,
            "offsets": offsets,
            "itemsize": -(-offset // WORD) * WORD,
        }
    )


STATE = dtype_of(State)


# --- the interpreted form: views over one flat list --------------------------------------------


@dataclass(frozen=True)
class Leaf:
    """One position of the flat list: `path` such as "folio[3].refcount", its kinds and type."""

    path: str
    kind: str
    code: str
    who: str = ""


def _leaves(field: Int | ArrayOf | type[Struct], path: str) -> Iterator[Leaf]:
    if isinstance(field, Int):
        yield Leaf(path, field.kind, field.code, field.who)
    elif isinstance(field, ArrayOf):
        for i in range(field.length):
            yield from _leaves(field.element, f"{path}[{i}]")
    else:
        for name, f in field.FIELDS.items():
            yield from _leaves(f, f"{path}.{name}" if path else name)


LEAVES: tuple[Leaf, ...] = tuple(_leaves(State, ""))
LEAF_INDEX: dict[str, int] = {leaf.path: i for i, leaf in enumerate(LEAVES)}


class _Ints:
    """An array of integers: `length` positions of the list from `offset`."""

    __slots__ = ("_leaves", "_length", "_offset")

    def __init__(self, leaves: list[int], offset: int, length: int) -> None:
        self._leaves = leaves
        self._offset = offset
        self._length = length

    def __getitem__(self, i: int) -> int:
        if 0 <= i < self._length:
            return self._leaves[self._offset + i]
        raise IndexError(f"{i} is not in 0..{self._length - 1}")

    def __setitem__(self, i: int, value: int) -> None:
        if 0 <= i < self._length:
            self._leaves[self._offset + i] = value
        else:
            raise IndexError(f"{i} is not in 0..{self._length - 1}")

    def __len__(self) -> int:
        return self._length


class _Structs:
    """An array of structs. Negative indices are errors here as they are in a compiled path."""

    __slots__ = ("_views",)

    def __init__(self, views: list[Any]) -> None:
        self._views = views

    def __getitem__(self, i: int) -> Any:
        if i < 0:
            raise IndexError(f"{i} is negative")
        return self._views[i]

    def __len__(self) -> int:
        return len(self._views)


def _size(field: Int | ArrayOf | type[Struct]) -> int:
    if isinstance(field, Int):
        return 1
    if isinstance(field, ArrayOf):
        return field.length * _size(field.element)
    return sum(_size(f) for f in field.FIELDS.values())


_VIEWS: dict[type[Struct], Any] = {}


def _view_class(struct: type[Struct]) -> Any:
    """The view of a struct: a property per integer, an attribute per nested field.

    The properties are made as text: a literal offset is the quickest thing Python can read.
    """
    if struct in _VIEWS:
        return _VIEWS[struct]
    nested = [n for n, f in struct.FIELDS.items() if not isinstance(f, Int)]
    slots = ", ".join(repr(n) for n in ["_leaves", "_offset", *nested])
    lines = [f"class {struct.__name__}View:", f"    __slots__ = ({slots},)"]
    offset = 0
    for name, field in struct.FIELDS.items():
        if isinstance(field, Int):
            lines += [
                "    @property",
                f"    def {name}(self): return self._leaves[self._offset + {offset}]",
                f"    @{name}.setter",
                f"    def {name}(self, value): self._leaves[self._offset + {offset}] = value",
            ]
        offset += _size(field)
    namespace: dict[str, Any] = {}
    exec("\n".join(lines), namespace)
    _VIEWS[struct] = namespace[f"{struct.__name__}View"]
    return _VIEWS[struct]


def _view(field: ArrayOf | type[Struct], leaves: list[int], offset: int) -> Any:
    if isinstance(field, ArrayOf):
        if isinstance(field.element, Int):
            return _Ints(leaves, offset, field.length)
        element = field.element
        size = _size(element)
        return _Structs([_view(element, leaves, offset + i * size) for i in range(field.length)])
    view = _view_class(field)()
    view._leaves = leaves
    view._offset = offset
    for name, f in field.FIELDS.items():
        if not isinstance(f, Int):
            setattr(view, name, _view(f, leaves, offset))
        offset += _size(f)
    return view


def new_state() -> Any:
    """A state of zeros. `st.leaves` is the flat list: change it in place, never rebind it."""
    leaves = [0] * len(LEAVES)
    st = _view(State, leaves, 0)
    return _Root(st, leaves)


class _Root:
    """The root view, with the list itself in reach."""

    __slots__ = ("__dict__", "leaves")

    def __init__(self, view: Any, leaves: list[int]) -> None:
        self.leaves = leaves
        for name, field in State.FIELDS.items():
            if not isinstance(field, Int):
                setattr(self, name, getattr(view, name))


def _root_property(offset: int) -> property:
    def get(self: _Root) -> int:
        return self.leaves[offset]

    def put(self: _Root, value: int) -> None:
        self.leaves[offset] = value

    return property(get, put)


for _name, _field in State.FIELDS.items():
    if isinstance(_field, Int):
        setattr(_Root, _name, _root_property(LEAF_INDEX[_name]))


def to_record(st: Any) -> Any:
    """The same state as a NumPy record of dtype STATE. OverflowError if a value does not fit."""
    record = np.zeros((), dtype=STATE)

    def fill(
        target: Any, field: Int | ArrayOf | type[Struct], key: Any, values: Iterator[int]
    ) -> None:
        if isinstance(field, Int):
            target[key] = next(values)
        elif isinstance(field, ArrayOf):
            for i in range(field.length):
                fill(target[key], field.element, i, values)
        else:
            inner = target[key] if key is not None else target
            for name, f in field.FIELDS.items():
                fill(inner, f, name, values)

    fill(record, State, None, iter(st.leaves))
    return np.rec.array(record)[()] if record.shape else record.view(np.recarray)[()]


def from_record(record: Any) -> list[int]:
    """The flat list of a NumPy record of dtype STATE."""

    def read(value: Any, field: Int | ArrayOf | type[Struct]) -> Iterator[int]:
        if isinstance(field, Int):
            yield int(value)
        elif isinstance(field, ArrayOf):
            for i in range(field.length):
                yield from read(value[i], field.element)
        else:
            for name, f in field.FIELDS.items():
                yield from read(value[name], f)

    return list(read(record, State))
