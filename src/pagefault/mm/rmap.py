"""Which PTEs map a folio, and whether one of them has it alone. Models mm/rmap.c and
include/linux/rmap.h.
"""

from pagefault.consts import (
    EBUSY,
    MMF_HAS_PINNED,
    NR_VPN,
    PG_ANON,
    PG_DIRTY,
    PG_SWAPBACKED,
    PROP_COUNTS,
)
from pagefault.hw.monitor import break_promise, observe_exclusive_lost, observe_rmap_removed
from pagefault.hw.pgtable import (
    pte_dirty,
    pte_maps,
    pte_swp_mkexclusive,
    ptep_get,
    set_pte_at,
    swp_entry_to_pte,
)
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    folio_maybe_dma_pinned,
    folio_put,
    folio_test_large,
    page_folio,
)
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.swapfile import swap_duplicate, swap_free
from pagefault.mm.vma import anon_vma_alloc, find_mergeable_anon_vma, vma_end, vma_start


def anon_vma_prepare(st, mm, vpn):
    """include/linux/rmap.h anon_vma_prepare(), v6.12: for the whole VMA."""
    if st.mm[mm].vma[vpn].anon_vma != 0:
        return
    start = vma_start(st, mm, vpn)
    end = vma_end(st, mm, vpn, st.nr_vpns)
    anon_vma = find_mergeable_anon_vma(st, mm, start, end)
    if anon_vma == 0:
        anon_vma = anon_vma_alloc(st, mm, start)
    for i in range(start, end):
        st.mm[mm].vma[i].anon_vma = anon_vma


def PageAnonExclusive(st, pfn):
    """include/linux/page-flags.h PageAnonExclusive(), v6.12: one PTE maps the page, and it may
    become writable without a further question. Where a PMD maps the folio, its first page says so
    of all."""
    if folio_test_large(st, pfn) and st.folio[page_folio(st, pfn)].entire_mapcount:
        return st.page[page_folio(st, pfn)].anon_exclusive
    return st.page[pfn].anon_exclusive


def SetPageAnonExclusive(st, pfn):
    """include/linux/page-flags.h SetPageAnonExclusive(), v6.12."""
    st.page[pfn].anon_exclusive = 1


def ClearPageAnonExclusive(st, pfn):
    """include/linux/page-flags.h ClearPageAnonExclusive(), v6.12. Whoever shares the page has asked
    for pins, where GUP-fast takes no new one: under write_protect_seq, or with the PTE cleared."""
    observe_exclusive_lost(st, pfn)
    st.page[pfn].anon_exclusive = 0


def folio_add_new_anon_rmap(st, pfn):
    """mm/rmap.c folio_add_new_anon_rmap(), v6.12, RMAP_EXCLUSIVE: the first mapping of a folio."""
    st.folio[pfn].pg_flags |= PG_ANON | PG_SWAPBACKED
    st.page[pfn].mapcount = 1
    SetPageAnonExclusive(st, pfn)


def folio_add_anon_rmap_pte(st, pfn, exclusive):
    """mm/rmap.c folio_add_anon_rmap_ptes(), v6.12: one PTE more maps a page, from swap or as a huge
    page is split."""
    st.folio[page_folio(st, pfn)].pg_flags |= PG_ANON | PG_SWAPBACKED
    st.page[pfn].mapcount += 1
    folio_add_large_mapcount(st, pfn, 1)
    if exclusive:
        SetPageAnonExclusive(st, pfn)


def folio_remove_rmap_pte(st, pfn):
    """include/linux/rmap.h folio_remove_rmap_pte(), v6.12: one PTE less maps the page."""
    st.page[pfn].mapcount -= 1
    folio_add_large_mapcount(st, pfn, -1)
    if st.page[pfn].mapcount < 0:
        break_promise(st, PROP_COUNTS)
        st.page[pfn].mapcount = 0


def folio_needs_cow_for_dma(st, mm, pfn):
    """include/linux/mm.h folio_needs_cow_for_dma(), v6.12: the source of a fork may have pins."""
    return st.mm[mm].mm_flags & MMF_HAS_PINNED and folio_maybe_dma_pinned(st, pfn)


def folio_must_copy_at_fork(st, mm, pfn):
    """The question of folio_try_dup_anon_rmap_pte(), v6.12: an exclusive page that may be pinned
    must not become shared. A page that is shared already stays shared, pinned or not."""
    return PageAnonExclusive(st, pfn) and folio_needs_cow_for_dma(st, mm, pfn)


def folio_try_dup_anon_rmap_pte(st, mm, pfn):
    """include/linux/rmap.h folio_try_dup_anon_rmap_pte(), v6.12: share with a child, or -EBUSY."""
    if folio_must_copy_at_fork(st, mm, pfn):
        return -EBUSY
    ClearPageAnonExclusive(st, pfn)
    st.page[pfn].mapcount += 1
    folio_add_large_mapcount(st, pfn, 1)
    return 0


# --- large folios ------------------------------------------------------------------------------


def folio_add_large_mapcount(st, pfn, mappings):
    """mm/rmap.c __folio_add_rmap(), v6.12, and __folio_remove_rmap(): PTEs and PMDs that map a
    large folio are all counted together."""
    if folio_test_large(st, pfn):
        st.folio[page_folio(st, pfn)].large_mapcount += mappings


def folio_precise_page_mapcount(st, pfn):
    """fs/proc/internal.h folio_precise_page_mapcount(), v6.12: the PTEs that map a page, and the
    PMDs that map its folio whole."""
    if folio_test_large(st, pfn):
        return st.page[pfn].mapcount + st.folio[page_folio(st, pfn)].entire_mapcount
    return st.page[pfn].mapcount


def folio_mapcount(st, pfn):
    """include/linux/mm.h folio_mapcount(), v6.12: everything that maps some of a folio."""
    if folio_test_large(st, pfn):
        return st.folio[page_folio(st, pfn)].large_mapcount
    return st.page[pfn].mapcount


def folio_add_new_anon_rmap_pmd(st, pfn):
    """mm/rmap.c folio_add_new_anon_rmap(), v6.12, of a new folio that a PMD maps. The first page is
    marked exclusive, and that says so of all."""
    st.folio[pfn].pg_flags |= PG_ANON | PG_SWAPBACKED
    st.folio[pfn].entire_mapcount = 1
    st.folio[pfn].large_mapcount = 1
    SetPageAnonExclusive(st, pfn)


def folio_try_dup_anon_rmap_pmd(st, mm, pfn):
    """include/linux/rmap.h folio_try_dup_anon_rmap_pmd(), v6.12: share with a child, or -EBUSY."""
    if folio_must_copy_at_fork(st, mm, pfn):
        return -EBUSY
    ClearPageAnonExclusive(st, pfn)
    st.folio[pfn].entire_mapcount += 1
    st.folio[pfn].large_mapcount += 1
    return 0


def folio_remove_rmap_pmd(st, pfn):
    """mm/rmap.c folio_remove_rmap_pmd(), v6.12: one PMD less maps the folio. Left out: a folio that
    is mapped in part only waits to be split (deferred_split_folio())."""
    st.folio[pfn].entire_mapcount -= 1
    st.folio[pfn].large_mapcount -= 1
    if st.folio[pfn].entire_mapcount < 0:
        break_promise(st, PROP_COUNTS)
        st.folio[pfn].entire_mapcount = 0


# --- who maps a page ---------------------------------------------------------------------------


def folio_try_share_anon_rmap_pte(st, pfn):
    """include/linux/rmap.h folio_try_share_anon_rmap_pte(), v6.12: the page is no longer exclusive,
    or -EBUSY if it may be pinned. The PTE is cleared and flushed before, so that GUP-fast, which
    looks at it again, cannot pin it afterwards."""
    if folio_maybe_dma_pinned(st, pfn):
        return -EBUSY
    ClearPageAnonExclusive(st, pfn)
    return 0


def rmap_walk(st, pfn):
    """mm/rmap.c rmap_walk_anon(), v6.12: the first place that maps a page, as mm * NR_VPN + vpn; -1
    if nobody does. Left out: the anon_vma and its lock."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if pte_maps(ptep_get(st, mm, vpn), pfn):
                return mm * NR_VPN + vpn
    return -1


def try_to_unmap(st, t, pfn):
    """mm/rmap.c try_to_unmap(), v6.12: put swap PTEs in place of all that map the folio, until one
    has to stay. Locks: folio lock held."""
    place = rmap_walk(st, pfn)
    while place >= 0:
        unmapped = yield from try_to_unmap_one(st, t, place // NR_VPN, place % NR_VPN, pfn)
        place = -1
        if unmapped:
            place = rmap_walk(st, pfn)


def try_to_unmap_one(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_unmap_one(), v6.12: 0 if the PTE had to stay. Locks: takes the PTL."""
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    unmapped = yield from unmap_one_pte(st, t, mm, vpn, pfn)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return unmapped


def unmap_one_pte(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_unmap_one(), v6.12: what it does while notifiers know that it is at it."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return 1
    if not pte_maps(ptep_get(st, mm, vpn), pfn):
        pte_unmap_unlock(st, mm, vpn)
        return 1
    anon_exclusive = PageAnonExclusive(st, pfn)
    pte = yield from ptep_clear_flush(st, t, mm, vpn)
    if pte_dirty(pte):
        st.folio[pfn].pg_flags |= PG_DIRTY

    slot = st.folio[pfn].swap - 1
    swap_duplicate(st, slot)
    if anon_exclusive and folio_try_share_anon_rmap_pte(st, pfn) != 0:
        swap_free(st, slot)
        set_pte_at(st, mm, vpn, pte)
        pte_unmap_unlock(st, mm, vpn)
        return 0
    swp_pte = swp_entry_to_pte(slot, pte)
    if anon_exclusive:
        swp_pte = pte_swp_mkexclusive(swp_pte)
    set_pte_at(st, mm, vpn, swp_pte)
    folio_remove_rmap_pte(st, pfn)
    observe_rmap_removed(st, mm, vpn, pfn)
    pte_unmap_unlock(st, mm, vpn)
    folio_put(st, pfn)
    return 1
