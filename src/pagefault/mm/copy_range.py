"""fork() copies page tables. Models mm/memory.c.

Pages are shared until somebody writes, but those that may be pinned, of which the child gets a copy
at once.
"""

from pagefault.consts import EAGAIN, PTRS_PER_PTE, VM_MIXEDMAP, VM_PFNMAP
from pagefault.hw.monitor import note_revoked
from pagefault.hw.pgtable import (
    is_migration_entry,
    is_pte_marker,
    is_readable_migration_entry,
    make_readable_migration_entry,
    pmd_trans_huge,
    pmdp_get,
    pte_clear_uffd_wp,
    pte_maps,
    pte_mkclean,
    pte_mkold,
    pte_none,
    pte_pfn,
    pte_present,
    pte_swp_clear_exclusive,
    pte_swp_exclusive,
    pte_to_swp_entry,
    pte_wrprotect,
    ptep_get,
    ptep_set_wrprotect,
    set_pte_at,
)
from pagefault.mm.huge_memory import copy_huge_pmd
from pagefault.mm.internal import is_cow_mapping, vm_normal_page
from pagefault.mm.memory import set_anon_pte
from pagefault.mm.mmap_lock import raw_write_seqcount_begin, raw_write_seqcount_end
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    copy_highpage,
    folio_alloc,
    folio_get,
    folio_put,
    folio_test_anon,
)
from pagefault.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import folio_add_file_rmap_pte, folio_try_dup_anon_rmap_pte
from pagefault.mm.swapfile import swap_duplicate


def copy_nonpresent_pte(st, mm, child_mm, vpn):
    """mm/memory.c copy_nonpresent_pte(), v6.12. Locks: both PTLs held. From here on the slot, or
    the page that migrates, is shared: neither entry is exclusive. The child is not registered."""
    pte = ptep_get(st, mm, vpn)
    if is_migration_entry(pte):
        if not is_readable_migration_entry(pte):
            pte = make_readable_migration_entry(pte)
            set_pte_at(st, mm, vpn, pte)
        set_pte_at(st, child_mm, vpn, pte_clear_uffd_wp(pte))
        return
    if is_pte_marker(pte):
        set_pte_at(st, child_mm, vpn, pte)
        return
    swap_duplicate(st, pte_to_swp_entry(pte))
    if pte_swp_exclusive(pte):
        pte = pte_swp_clear_exclusive(pte)
        set_pte_at(st, mm, vpn, pte)
    set_pte_at(st, child_mm, vpn, pte_clear_uffd_wp(pte))


def fork_finds_folio(st, pte):
    """mm/memory.c copy_present_ptes(), v6.12: whether the child's entry is to count on the page."""
    return vm_normal_page(pte)


def copy_present_pte(st, t, mm, child_mm, vpn, prealloc_pfn):
    """mm/memory.c copy_present_ptes(), v6.12. Locks: both PTLs held.

    Returns 0, or -EAGAIN if the page must be copied and `prealloc_pfn` is 0.
    """
    pte = ptep_get(st, mm, vpn)
    if fork_finds_folio(st, pte):
        folio_get(st, pte_pfn(pte))
        if not folio_test_anon(st, pte_pfn(pte)):
            folio_add_file_rmap_pte(st, pte_pfn(pte))
        elif folio_try_dup_anon_rmap_pte(st, mm, pte_pfn(pte)) != 0:
            folio_put(st, pte_pfn(pte))
            return copy_present_page(st, mm, child_mm, vpn, prealloc_pfn)
        yield "judged not pinned, parent's PTE still writable"
    if not is_cow_mapping(st, mm, vpn):
        set_pte_at(st, child_mm, vpn, pte_mkold(pte_mkclean(pte_clear_uffd_wp(pte))))
        return 0
    ptep_set_wrprotect(st, mm, vpn)
    child_pte = pte_clear_uffd_wp(pte_wrprotect(ptep_get(st, mm, vpn)))
    set_pte_at(st, child_mm, vpn, pte_mkold(child_pte))
    return 0


def copy_present_page(st, mm, child_mm, vpn, prealloc_pfn):
    """mm/memory.c copy_present_page(), v6.12: the child gets a copy now, since the page may be
    pinned; the parent's PTE stays as it is. Copied with both PTLs held."""
    if prealloc_pfn == 0:
        return -EAGAIN
    copy_highpage(st, prealloc_pfn, pte_pfn(ptep_get(st, mm, vpn)))
    set_anon_pte(st, child_mm, vpn, prealloc_pfn, 1)
    return 0


def copy_pte_range(st, t, mm, child_mm, vpn):
    """mm/memory.c copy_pte_range(), v6.12, of one page. Locks: both mmap_locks for writing.

    The child's page table is nobody else's yet, so its PTL costs no switch. vma_needs_copy() has
    seen that the entry is not none.
    """
    pte_alloc(st, child_mm, vpn)
    prealloc_pfn = 0
    again = 1
    while again:
        yield from pte_offset_map_lock(st, t, mm, vpn)
        ret = 0
        if not pte_present(ptep_get(st, mm, vpn)):
            copy_nonpresent_pte(st, mm, child_mm, vpn)
        else:
            ret = yield from copy_present_pte(st, t, mm, child_mm, vpn, prealloc_pfn)
        if prealloc_pfn != 0 and not pte_maps(ptep_get(st, child_mm, vpn), prealloc_pfn):
            folio_put(st, prealloc_pfn)
        note_revoked(st, t, mm, vpn)
        pte_unmap_unlock(st, mm, vpn)
        again = ret == -EAGAIN
        if again:
            prealloc_pfn = folio_alloc(st)


def vma_needs_copy(st, mm, vpn):
    """mm/memory.c vma_needs_copy(), v6.12: without an anon_vma the child can refault it all, unless
    a driver has mapped it."""
    if st.mm[mm].vma[vpn].vm_flags & (VM_PFNMAP | VM_MIXEDMAP):
        return not pte_none(ptep_get(st, mm, vpn))
    return st.mm[mm].vma[vpn].anon_vma and not pte_none(ptep_get(st, mm, vpn))


def copy_pmd_range(st, t, mm, child_mm, vpn):
    """mm/memory.c copy_pmd_range(), v6.12, of one page: a huge page is copied whole, with its first
    page, unless it had to be split."""
    if pmd_trans_huge(pmdp_get(st, mm, vpn)):
        ret = yield from copy_huge_pmd(st, t, mm, child_mm, vpn)
        if ret == 0:
            return
    yield from copy_pte_range(st, t, mm, child_mm, vpn)


def copied_until(st, mm, vpn):
    """Where ends what is copied at once: a page, or the huge page that begins with it."""
    if pmd_trans_huge(pmdp_get(st, mm, vpn)):
        return vpn + PTRS_PER_PTE
    return vpn + 1


def copy_page_range(st, t, mm, child_mm, vpn):
    """mm/memory.c copy_page_range(), v6.12, of one page: under write_protect_seq. Left out: that
    the pages of one VMA are one range for the notifiers."""
    if not vma_needs_copy(st, mm, vpn) or pmd_trans_huge(pmdp_get(st, child_mm, vpn)):
        return
    if not is_cow_mapping(st, mm, vpn):
        yield from copy_pte_range(st, t, mm, child_mm, vpn)
        return
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, copied_until(st, mm, vpn))
    raw_write_seqcount_begin(st, mm)
    yield from copy_pmd_range(st, t, mm, child_mm, vpn)
    raw_write_seqcount_end(st, mm)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
