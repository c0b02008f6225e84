"""Does a final state satisfy a condition?"""

from __future__ import annotations

from typing import Any

from pagefault import consts
from pagefault.consts import (
    NO_MM,
    PAGE_MARKER,
    PAGE_PRESENT,
    PAGE_PROTNONE,
    PAGE_SWAP,
    PFN_SHIFT,
    PG_HWPOISON,
    SIG_BASE,
    VM_MAPPED,
    VM_PFNMAP,
    VM_READ,
    VM_UFFD_MINOR,
    VM_UFFD_MISSING,
)
from pagefault.hw.pgtable import ptep_get
from pagefault.lang.program import (
    Atom,
    Code,
    Expr,
    Int,
    Memory,
    Program,
    Register,
    Signal,
    is_true,
)

__all__ = ["code_name", "evaluate", "peek", "satisfies", "signal_name"]


def satisfies(program: Program, st: Any, expr: Expr) -> bool:
    """Whether `expr` holds in `st`. Memory that the task cannot read equals nothing."""

    def holds_atom(atom: Atom) -> bool:
        value = evaluate(program, st, atom.left)
        return (value == _wanted(atom.left, atom.right)) == atom.equal

    return is_true(expr, holds_atom)


def evaluate(program: Program, st: Any, place: Register | Memory | Signal) -> int | None:
    """The value of a register, a cell or a signal; None for a cell that cannot be read."""
    match place:
        case Register():
            return int(st.task[program.task_index(place.task)].reg[place.index])
        case Signal(task):
            return int(st.task[program.task_index(task)].signal)
        case Memory(task, page, cell):
            mm = st.task[program.task_index(task)].mm
            return peek(st, mm, program.pages.index(page), cell)


def peek(st: Any, mm: int, vpn: int, cell: int) -> int | None:
    """What a load by `mm` would see, without the load's effects; None if it would fault for good,
    or wait for userfaultfd.

    A page that nobody touched yet reads as zero or as its file has it, a swapped one as its folio
    in the swap cache, or else as what was written to swap.
    """
    if mm == NO_MM:
        return None
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    if not vm_flags & VM_MAPPED or not vm_flags & VM_READ:
        return None
    untouched = None if vm_flags & VM_UFFD_MISSING else 0
    if st.mm[mm].vma[vpn].vm_file:
        untouched = _peek_file(st, mm, vpn, cell)
        if vm_flags & VM_UFFD_MINOR and _page_cache_has(st, mm, vpn):
            untouched = None
    pte = ptep_get(st, mm, vpn)
    if pte & (PAGE_PRESENT | PAGE_PROTNONE):
        return int(st.page[pte >> PFN_SHIFT].cell[cell])
    if pte & PAGE_MARKER:
        return None
    if pte & PAGE_SWAP:
        slot = st.swap[pte >> PFN_SHIFT]
        if slot.pfn and st.folio[slot.pfn].pg_flags & PG_HWPOISON:
            return None
        return int(st.page[slot.pfn].cell[cell] if slot.pfn else slot.cell[cell])
    return untouched


def _peek_file(st: Any, mm: int, vpn: int, cell: int) -> int | None:
    """What the file has for a page that is not mapped; None beyond its end, and of a driver, that
    maps all at mmap(), if it has no faults as perf has."""
    vma = st.mm[mm].vma[vpn]
    file, index = st.file[vma.vm_file - 1], vpn + vma.vm_pgoff
    if file.kind in (consts.FILE_PERF, consts.FILE_ARENA) and not vma.vm_flags & VM_PFNMAP:
        return _peek_buffer(st, file, index, cell)
    if file.kind >= consts.FILE_IO_URING:
        return None
    if index >= file.nr_pages:
        return None
    page = file.page[index]
    return int(st.page[page.pfn].cell[cell] if page.pfn else page.disk[cell])


def _peek_buffer(st: Any, file: Any, index: int, cell: int) -> int | None:
    """What a driver's buffer has; None without one, and beyond its end."""
    v = file.private[consts.DRV_AREA] - 1
    if v < 0 or index >= st.vmalloc[v].nr_pages:
        return None
    return int(st.page[st.vmalloc[v].pfn[index]].cell[cell])


def _page_cache_has(st: Any, mm: int, vpn: int) -> bool:
    vma = st.mm[mm].vma[vpn]
    return bool(st.file[vma.vm_file - 1].page[vpn + vma.vm_pgoff].pfn)


def _wanted(left: Register | Memory | Signal, right: Int | Code) -> int:
    """The number that `right` means next to `left`: a register holds errno and signals negated."""
    if isinstance(right, Int):
        return right.value
    code = int(getattr(consts, right.name))
    if isinstance(left, Signal):
        return code
    return -(SIG_BASE + code) if right.is_signal else -code


def code_name(value: int) -> str:
    """A register's value as a reader wants it: `EFAULT`, `SIGSEGV`, or the number."""
    names = _SIGNALS if value <= -SIG_BASE else _ERRNOS
    code = -value - SIG_BASE if value <= -SIG_BASE else -value
    return names.get(code, str(value)) if value < 0 else str(value)


def signal_name(signal: int) -> str:
    """`SIGSEGV` and the like, or the number."""
    return _SIGNALS.get(signal, str(signal))


_SIGNALS = {getattr(consts, n): n for n in ("SIGSEGV", "SIGBUS", "SIGKILL")}
_ERRNOS = {
    value: name
    for name, value in vars(consts).items()
    if name.startswith("E") and name.isupper() and isinstance(value, int)
}
