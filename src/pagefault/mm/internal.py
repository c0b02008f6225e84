"""What several files of mm/ ask of a VMA and of an entry. Models mm/internal.h."""

from pagefault.consts import (
    PAGE_ACCESSED,
    PAGE_PRESENT,
    PAGE_PROTNONE,
    PAGE_RW,
    VM_READ,
    VM_SOFTDIRTY,
    VM_WRITE,
)
from pagefault.hw.pgtable import pte_mkwrite, pte_pfn, pte_soft_dirty
from pagefault.mm.fs_userfaultfd import userfaultfd_pte_wp
from pagefault.mm.page_alloc import folio_test_anon
from pagefault.mm.rmap import PageAnonExclusive


def vma_is_writable(st, mm, vpn):
    return st.mm[mm].vma[vpn].vm_flags & VM_WRITE != 0


def vma_is_accessible(st, mm, vpn):
    """include/linux/mm.h vma_is_accessible(), v6.12."""
    return st.mm[mm].vma[vpn].vm_flags & (VM_READ | VM_WRITE)


def vma_page_prot(st, mm, vpn):
    """arch/x86/mm/pgprot.c vm_get_page_prot(), v6.12, of a private VMA: never writable, since
    copy-on-write decides that."""
    if st.mm[mm].vma[vpn].vm_flags & VM_READ:
        return PAGE_PRESENT | PAGE_ACCESSED
    return PAGE_PROTNONE | PAGE_ACCESSED


def pte_needs_soft_dirty_wp(st, mm, vpn, pte):
    """mm/internal.h pte_needs_soft_dirty_wp(), v6.12: a write fault is to set the soft-dirty bit,
    as the VMA was there when the bit was cleared."""
    return not st.mm[mm].vma[vpn].vm_flags & VM_SOFTDIRTY and not pte_soft_dirty(pte)


def maybe_mkwrite(st, mm, vpn, pte):
    if vma_is_writable(st, mm, vpn):
        return pte_mkwrite(pte)
    return pte


def pte_modify(pte, newprot):
    """arch/x86/include/asm/pgtable.h pte_modify(), v6.12: permissions change, tracking stays."""
    return (pte & ~(PAGE_PRESENT | PAGE_PROTNONE | PAGE_RW)) | newprot


def can_change_pte_writable(st, mm, vpn, pte):
    """mm/mprotect.c can_change_pte_writable(), v6.12, of a private mapping: a page that nobody
    else has may become writable without a fault (since 6.0, commit 64fe24a3e05e), unless a fault
    is to tell of the write (commit 76aefad628aa)."""
    if not vma_is_writable(st, mm, vpn) or pte_needs_soft_dirty_wp(st, mm, vpn, pte):
        return 0
    if userfaultfd_pte_wp(st, mm, vpn, pte):
        return 0
    return folio_test_anon(st, pte_pfn(pte)) and PageAnonExclusive(st, pte_pfn(pte))


def numa_saved_write(pte):
    """What a NUMA hint keeps of the right to write: nothing, can_change_pte_writable() is asked
    when it ends. Up to 6.1 a bit of the entry told (pte_savedwrite())."""
    return 0
