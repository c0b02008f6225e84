"""What several files of mm/ ask of a VMA and of an entry. Models mm/internal.h."""

from pagefault.consts import (
    FILE_PERF,
    FILE_REGULAR,
    PAGE_ACCESSED,
    PAGE_PRESENT,
    PAGE_PROTNONE,
    PAGE_RW,
    PAGE_SPECIAL,
    VM_DONTEXPAND,
    VM_DROPPABLE,
    VM_IO,
    VM_MIXEDMAP,
    VM_PFNMAP,
    VM_READ,
    VM_SHARED,
    VM_SOFTDIRTY,
    VM_UFFD_WP,
    VM_WRITE,
)
from pagefault.hw.pgtable import pte_dirty, pte_mkwrite, pte_pfn, pte_soft_dirty, pte_special
from pagefault.mm.fs_userfaultfd import userfaultfd_pte_wp
from pagefault.mm.page_alloc import copy_from_user_address, copy_highpage, folio_test_anon
from pagefault.mm.rmap import PageAnonExclusive, maps_as_special

VM_SPECIAL = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP


def vm_normal_page(pte):
    """mm/memory.c vm_normal_page(), v6.12: the entry's page is counted. A special one, which the
    zero page's always is, is nobody's."""
    return not pte_special(pte)


def can_do_mlock(st, mm):
    """mm/mlock.c can_do_mlock(), v6.12: not with a limit of 0."""
    return st.mm[mm].rlimit_memlock != 1


def vma_supports_mlock(st, mm, vpn):
    """mm/internal.h vma_supports_mlock(), v6.12.86: neither what has no pages that could go, nor
    what is there to be dropped."""
    return not st.mm[mm].vma[vpn].vm_flags & (VM_SPECIAL | VM_DROPPABLE)


def vma_migratable(st, mm, vpn):
    """mm/mempolicy.c vma_migratable(), v6.12: what a PFN map has is nobody's to move."""
    return not st.mm[mm].vma[vpn].vm_flags & (VM_IO | VM_PFNMAP)


def wp_finds_folio(st, pte):
    """mm/memory.c do_wp_page(), v6.12: whether the entry counts on what a write is to copy."""
    return vm_normal_page(pte)


def vma_is_writable(st, mm, vpn):
    return st.mm[mm].vma[vpn].vm_flags & VM_WRITE != 0


def vma_is_anonymous(st, mm, vpn):
    """include/linux/mm.h vma_is_anonymous(), v6.12: no operations of its own, so that what is read
    first is the zero page."""
    return st.mm[mm].vma[vpn].vm_file == 0


def vma_is_shared(st, mm, vpn):
    return st.mm[mm].vma[vpn].vm_flags & VM_SHARED != 0


def is_cow_mapping(st, mm, vpn):
    """include/linux/mm.h is_cow_mapping(), v6.12: private memory."""
    return not vma_is_shared(st, mm, vpn)


def vma_needs_dirty_tracking(st, mm, vpn):
    """mm/vma.c vma_needs_dirty_tracking(), v6.12: a file system wants to know of writes through
    this mapping, or perf, whose vm_ops have page_mkwrite() (since 6.15 pfn_mkwrite(), too)."""
    if not vma_is_shared(st, mm, vpn):
        return 0
    return st.file[st.mm[mm].vma[vpn].vm_file - 1].kind in (FILE_REGULAR, FILE_PERF)


def vma_wants_writenotify(st, mm, vpn):
    """mm/vma.c vma_wants_writenotify(), v6.12: a store into a page that was read only is to fault,
    though the memory is shared and writable."""
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    if vm_flags & VM_UFFD_WP or not vm_flags & VM_SOFTDIRTY:
        return 1
    return vma_needs_dirty_tracking(st, mm, vpn)


def vma_is_accessible(st, mm, vpn):
    """include/linux/mm.h vma_is_accessible(), v6.12."""
    return st.mm[mm].vma[vpn].vm_flags & (VM_READ | VM_WRITE)


def vma_page_prot(st, mm, vpn):
    """arch/x86/mm/pgprot.c vm_get_page_prot(), v6.12, and mm/mmap.c vma_set_page_prot(): what
    is private is never writable, since copy-on-write decides that."""
    if st.mm[mm].vma[vpn].vm_flags & (VM_WRITE | VM_SHARED) == VM_WRITE | VM_SHARED:
        if not vma_wants_writenotify(st, mm, vpn):
            return PAGE_PRESENT | PAGE_ACCESSED | PAGE_RW
    if st.mm[mm].vma[vpn].vm_flags & VM_READ:
        return PAGE_PRESENT | PAGE_ACCESSED
    return PAGE_PROTNONE | PAGE_ACCESSED


def anon_page_prot(st, mm, vpn):
    """What the entry of a new anonymous page allows, and whether it is special."""
    if maps_as_special(st, mm, vpn):
        return vma_page_prot(st, mm, vpn) | PAGE_SPECIAL
    return vma_page_prot(st, mm, vpn)


def __wp_page_copy_user(st, new_pfn, orig_pte):
    """mm/memory.c __wp_page_copy_user(), v6.12: what is no folio's is read by the user's address,
    where the direct map need not have it."""
    if vm_normal_page(orig_pte):
        copy_highpage(st, new_pfn, pte_pfn(orig_pte))
    else:
        copy_from_user_address(st, new_pfn, pte_pfn(orig_pte))


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


def pte_needs_flush(old_pte, pte):
    """arch/x86/include/asm/tlbflush.h pte_needs_flush(), v6.12: the hardware could tell the two
    apart. Of PMDs huge_pmd_needs_flush(). Asked since 5.19 (commit c9fe66560bf2)."""
    return (pte ^ old_pte) & (PAGE_PRESENT | PAGE_PROTNONE | PAGE_RW)


def can_change_pte_writable(st, mm, vpn, pte):
    """mm/mprotect.c can_change_pte_writable(), v6.12: a private page that nobody else has may
    become writable without a fault (since 6.0, commit 64fe24a3e05e), a shared one that is dirty,
    and so known to be; unless a fault is to tell of the write (commit 76aefad628aa)."""
    if not vma_is_writable(st, mm, vpn) or pte_needs_soft_dirty_wp(st, mm, vpn, pte):
        return 0
    if userfaultfd_pte_wp(st, mm, vpn, pte):
        return 0
    if vma_is_shared(st, mm, vpn):
        return pte_dirty(pte)
    return folio_test_anon(st, pte_pfn(pte)) and PageAnonExclusive(st, pte_pfn(pte))


def numa_saved_write(pte):
    """What a NUMA hint keeps of the right to write: nothing, can_change_pte_writable() is asked
    when it ends. Up to 6.1 a bit of the entry told (pte_savedwrite())."""
    return 0
