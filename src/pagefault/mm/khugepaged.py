"""Collapse: the pages of a page table are copied into one huge page. Models mm/khugepaged.c.

Asked for by MADV_COLLAPSE; the daemon does the same where it finds it worth while. Left out: the
daemon, files.
"""

from pagefault.consts import EAGAIN, EINVAL, PTRS_PER_PTE
from pagefault.hw.monitor import observe_rmap_removed
from pagefault.hw.pgtable import (
    huge_start,
    is_migration_entry,
    is_swap_pte,
    pmd_has_table,
    pmd_none,
    pmd_table,
    pmd_trans_huge,
    pmdp_get,
    pte_none,
    pte_pfn,
    pte_present,
    pte_special,
    pte_uffd_wp,
    pte_write,
    ptep_get,
    set_pmd_at,
)
from pagefault.mm.anon_vma import anon_vma_lock_write, anon_vma_unlock_write
from pagefault.mm.folio_lock import folio_test_locked, folio_trylock, folio_unlock
from pagefault.mm.fs_userfaultfd import userfaultfd_armed
from pagefault.mm.huge_memory import set_huge_pmd, thp_vma_suitable_order
from pagefault.mm.memory import do_swap_page
from pagefault.mm.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
)
from pagefault.mm.mmu_gather import tlb_remove_table_sync_one
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    copy_highpage,
    folio_alloc_pmd,
    folio_put,
    folio_refcount,
    folio_test_anon,
    page_folio,
)
from pagefault.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pmdp_collapse_flush,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from pagefault.mm.rmap import folio_mapcount, folio_remove_rmap_pte
from pagefault.mm.swap_state import free_swap_cache
from pagefault.mm.vma import vma_end, vma_start


def collapse_allowable(st, mm, vpn):
    """mm/huge_memory.c __thp_vma_allowable_orders(), v6.12, for MADV_COLLAPSE, which does not ask
    transparent_hugepage/enabled: some huge page fits into the VMA, which has an anon_vma."""
    if st.mm[mm].vma[vpn].anon_vma == 0 or st.mm[mm].vma[vpn].vm_file:
        return 0
    last = vma_end(st, mm, vpn, st.nr_vpns) - PTRS_PER_PTE
    return last >= 0 and huge_start(last) >= vma_start(st, mm, vpn)


def madvise_collapse(st, t, mm, start, end):
    """mm/khugepaged.c madvise_collapse(), v6.12, of pages of one VMA: each huge page that lies in
    [start, end). 0 if all are huge pages now; of one that failed the last errno. Locks: mmap_lock
    held for reading on entry and on return, and dropped in between."""
    if not collapse_allowable(st, mm, start):
        return -EINVAL
    vpn = huge_start(start + PTRS_PER_PTE - 1)
    if huge_start(end) < vpn:
        return -EINVAL
    error = 0
    while vpn < huge_start(end):
        ret = -EINVAL
        if thp_vma_suitable_order(st, mm, vpn):
            ret = yield from hpage_collapse_scan_pmd(st, t, mm, vpn)
        if ret != 0:
            error = ret
        vpn += PTRS_PER_PTE
    return error


def is_huge_already(st, mm, vpn):
    """mm/khugepaged.c find_pmd_or_thp_or_none(), v6.12: SCAN_PMD_MAPPED, which one that migrates is
    not (SCAN_PMD_NULL)."""
    pmd = pmdp_get(st, mm, vpn)
    return pmd_trans_huge(pmd) and not is_migration_entry(pmd)


def hpage_collapse_scan_pmd(st, t, mm, vpn):
    """mm/khugepaged.c hpage_collapse_scan_pmd(), v6.12: 0 if a huge page is mapped in the end.
    Locks: mmap_lock held for reading; dropped and taken again if it comes to a collapse."""
    if is_huge_already(st, mm, vpn):
        return 0
    if pmd_none(pmdp_get(st, mm, vpn)):
        return -EINVAL
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return -EINVAL
    table = pmd_table(pmdp_get(st, mm, vpn))
    ret = collapse_refuses(st, mm, vpn, table)
    unmapped = has_swap_ptes(st, table)
    pte_unmap_unlock(st, mm, vpn)
    if ret != 0:
        return ret
    mmap_read_unlock(st, mm)
    if unmapped:
        yield from __collapse_huge_page_swapin(st, t, mm, vpn)
    ret = yield from collapse_huge_page(st, t, mm, vpn)
    yield from mmap_read_lock(st, t, mm)
    return ret


def is_not_present(pte):
    """The page of the entry is in swap, or migrates."""
    return is_swap_pte(pte) or is_migration_entry(pte)


def has_swap_ptes(st, table):
    """mm/khugepaged.c hpage_collapse_scan_pmd(), v6.12: whether something must be fetched first."""
    for i in range(PTRS_PER_PTE):
        if is_not_present(st.ptpage[table].pte[i]):
            return 1
    return 0


def __collapse_huge_page_swapin(st, t, mm, vpn):
    """mm/khugepaged.c __collapse_huge_page_swapin(), v6.12, with its mmap_lock: as by a load of
    each page. Left out: that a fault may drop mmap_lock, which would end it."""
    yield from mmap_read_lock(st, t, mm)
    if thp_vma_suitable_order(st, mm, vpn):
        for i in range(vpn, vpn + PTRS_PER_PTE):
            pte = ptep_get(st, mm, i)
            if is_not_present(pte):
                yield from do_swap_page(st, t, mm, i, pte, 0)
    mmap_read_unlock(st, mm)


def is_refcount_suitable(st, pfn):
    """mm/khugepaged.c is_refcount_suitable(), v6.12: nobody has a reference but who maps the folio
    and the swap cache, so no device will miss the page that is copied away."""
    in_swap_cache = st.folio[page_folio(st, pfn)].swap != 0
    return folio_refcount(st, pfn) == folio_mapcount(st, pfn) + in_swap_cache


def collapse_refuses_pte(st, mm, vpn, pte):
    """What the PTEs are asked one by one: 0 if its page can be copied. A hole must not be filled
    where userfaultfd has an eye on it (SCAN_EXCEED_NONE_PTE)."""
    if is_not_present(pte):
        return -EINVAL * pte_uffd_wp(pte)
    if pte_none(pte) or pte_special(pte):
        if userfaultfd_armed(st, mm, vpn):
            return -EINVAL
        return 0
    if not pte_present(pte) or pte_uffd_wp(pte) or not folio_test_anon(st, pte_pfn(pte)):
        return -EINVAL
    if folio_test_locked(st, pte_pfn(pte)) or not is_refcount_suitable(st, pte_pfn(pte)):
        return -EAGAIN
    return 0


def collapse_wants_writable():
    """mm/khugepaged.c hpage_collapse_scan_pmd(), v6.12: one PTE at least must be writable, so that
    the pages are not all shared (SCAN_PAGE_RO)."""
    return 1


def collapse_refuses(st, mm, vpn, table):
    """Why the pages of a table are not to become one: 0, -EAGAIN, -EINVAL."""
    writable = 0
    for i in range(PTRS_PER_PTE):
        pte = st.ptpage[table].pte[i]
        ret = collapse_refuses_pte(st, mm, vpn, pte)
        if ret != 0:
            return ret
        writable |= pte_present(pte) and pte_write(pte)
    if collapse_wants_writable() and not writable:
        return -EINVAL
    return 0


def collapse_huge_page(st, t, mm, vpn):
    """mm/khugepaged.c collapse_huge_page(), v6.12: 0, -EAGAIN or -EINVAL; 0, too, if somebody has
    mapped a huge page meanwhile (SCAN_PMD_MAPPED). Locks: none on entry; takes mmap_lock for
    writing, and the anon_vma's until the pages are locked: nobody is at them by the rmap."""
    new_pfn = folio_alloc_pmd(st)
    yield from mmap_write_lock(st, t, mm)
    if not thp_vma_suitable_order(st, mm, vpn) or not pmd_has_table(pmdp_get(st, mm, vpn)):
        mmap_write_unlock(st, mm)
        folio_put(st, new_pfn)
        if is_huge_already(st, mm, vpn):
            return 0
        return -EINVAL
    yield from anon_vma_lock_write(st, t)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + PTRS_PER_PTE)
    yield from pmd_lock(st, t, mm)
    orig_pmd = yield from pmdp_collapse_flush(st, t, mm, vpn)
    pmd_unlock(st, mm)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    yield from tlb_remove_table_sync_one(st, t)

    ret = __collapse_huge_page_isolate(st, t, mm, vpn, pmd_table(orig_pmd))
    if ret == 0:
        anon_vma_unlock_write(st)
        yield "pages locked, not copied yet"
        __collapse_huge_page_copy(st, mm, vpn, new_pfn, pmd_table(orig_pmd))
    yield from pmd_lock(st, t, mm)
    if ret == 0:
        set_huge_pmd(st, mm, vpn, new_pfn)
        st.ptpage[pmd_table(orig_pmd)].in_use = 0
    else:
        set_pmd_at(st, mm, vpn, orig_pmd)
        anon_vma_unlock_write(st)
        folio_put(st, new_pfn)
    pmd_unlock(st, mm)
    mmap_write_unlock(st, mm)
    return ret


def __collapse_huge_page_isolate(st, t, mm, vpn, table):
    """mm/khugepaged.c __collapse_huge_page_isolate(), v6.12: look again, now that nobody can take a
    reference by this address space, and lock the folios. No switch: nobody finds the table, nor
    has its PTL still."""
    ret = collapse_refuses(st, mm, vpn, table)
    if has_swap_ptes(st, table):
        ret = -EINVAL  # SCAN_PTE_NON_PRESENT
    if ret == 0:
        for i in range(PTRS_PER_PTE):
            pte = st.ptpage[table].pte[i]
            if pte_present(pte) and not pte_special(pte):
                folio_trylock(st, t, pte_pfn(pte))
    return ret


def __collapse_huge_page_copy(st, mm, vpn, new_pfn, table):
    """mm/khugepaged.c __collapse_huge_page_copy(), v6.12: nobody can write the pages, and the TLBs
    are flushed. What was not there is zeros."""
    for i in range(PTRS_PER_PTE):
        pte = st.ptpage[table].pte[i]
        st.ptpage[table].pte[i] = 0
        if pte_present(pte) and not pte_special(pte):
            copy_highpage(st, new_pfn + i, pte_pfn(pte))
            folio_remove_rmap_pte(st, pte_pfn(pte))
            observe_rmap_removed(st, mm, vpn + i, pte_pfn(pte))
            if folio_test_locked(st, pte_pfn(pte)):
                folio_unlock(st, pte_pfn(pte))
            free_swap_cache(st, pte_pfn(pte))
            folio_put(st, pte_pfn(pte))
