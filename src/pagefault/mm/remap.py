"""Drivers put pages of the kernel into page tables. Models the vm_insert_page() and
remap_pfn_range() families of mm/memory.c, and remap_vmalloc_range() of mm/vmalloc.c.

An inserted page is counted as a page of a file is: a reference and a mapping for each PTE. A PFN
that is mapped is not: its PTE is special, and nobody keeps the frame.
"""

from pagefault.consts import (
    EBUSY,
    EINVAL,
    PAGE_SPECIAL,
    VM_DONTEXPAND,
    VM_IO,
    VM_MIXEDMAP,
    VM_PFNMAP,
)
from pagefault.hw.monitor import observe_dangling
from pagefault.hw.pgtable import mk_pte, pte_none, ptep_get, set_pte_at
from pagefault.mm.internal import vma_page_prot
from pagefault.mm.page_alloc import folio_get, folio_test_anon
from pagefault.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import folio_add_file_rmap_pte
from pagefault.mm.vmalloc import vmalloc_to_page


def page_has_type(st, pfn):
    """include/linux/page-flags.h page_has_type(), v6.12: the mapcount of such a page is used for
    something else. vmalloc's pages have none."""
    return 0


def validate_page_before_insert(st, pfn):
    """mm/memory.c validate_page_before_insert(), v6.12: 1 if the page may be mapped."""
    return (
        st.folio[pfn].refcount > 0 and not folio_test_anon(st, pfn) and not page_has_type(st, pfn)
    )


def insert_page_into_pte_locked(st, mm, vpn, pfn):
    """mm/memory.c insert_page_into_pte_locked(), v6.12: the PTE takes a reference and is in the
    rmap. Locks: PTL held. A reference to what was freed meanwhile is a bug (folio_get())."""
    observe_dangling(st, st.folio[pfn].refcount == 0)
    folio_get(st, pfn)
    folio_add_file_rmap_pte(st, pfn)
    set_pte_at(st, mm, vpn, mk_pte(pfn, vma_page_prot(st, mm, vpn)))


def vm_insert_page(st, t, mm, vpn, pfn):
    """mm/memory.c vm_insert_page(), v6.12: 0, -EINVAL for a page that must not be, -EBUSY where one
    is mapped. Locks: mmap_lock held for writing; takes the PTL."""
    if not validate_page_before_insert(st, pfn):
        return -EINVAL
    pte_alloc(st, mm, vpn)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    ret = -EBUSY
    if pte_none(ptep_get(st, mm, vpn)):
        insert_page_into_pte_locked(st, mm, vpn, pfn)
        ret = 0
    pte_unmap_unlock(st, mm, vpn)
    return ret


def set_vma_flags(st, mm, start, end, vm_flags):
    """include/linux/mm.h vm_flags_set(), v6.12, of the VMA of vpns [start, end)."""
    for vpn in range(start, end):
        st.mm[mm].vma[vpn].vm_flags |= vm_flags


def vm_insert_pages(st, t, mm, start, end, v):
    """mm/memory.c vm_insert_pages(), v6.12, of the first pages of an area. Left out: that a batch
    of PTEs is set with the PTL taken once."""
    set_vma_flags(st, mm, start, end, VM_MIXEDMAP)
    for vpn in range(start, end):
        pfn = vmalloc_to_page(st, v, vpn - start)
        ret = yield from vm_insert_page(st, t, mm, vpn, pfn)
        if ret != 0:
            return ret
    return 0


def remap_vmalloc_range(st, t, mm, start, end, v):
    """mm/vmalloc.c remap_vmalloc_range_partial(), v6.12, from the first page on: 0 or -EINVAL. It
    looks the area up by its address, and takes no reference to it."""
    if not st.vmalloc[v].in_use or end - start > st.vmalloc[v].nr_pages:
        return -EINVAL
    ret = yield from vm_insert_pages(st, t, mm, start, end, v)
    if ret == 0:
        set_vma_flags(st, mm, start, end, VM_DONTEXPAND)
    return ret


def remap_pfn_range(st, t, mm, start, end, v):
    """mm/memory.c remap_pfn_range(), v6.12, of the frames of an area: 0. They are not counted.
    Locks: mmap_lock held for writing; takes the PTL."""
    set_vma_flags(st, mm, start, end, VM_IO | VM_PFNMAP | VM_DONTEXPAND)
    for vpn in range(start, end):
        pfn = vmalloc_to_page(st, v, vpn - start)
        pte_alloc(st, mm, vpn)
        yield from pte_offset_map_lock(st, t, mm, vpn)
        set_pte_at(st, mm, vpn, mk_pte(pfn, vma_page_prot(st, mm, vpn) | PAGE_SPECIAL))
        pte_unmap_unlock(st, mm, vpn)
    return 0
