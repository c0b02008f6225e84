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
    pte_mkclean,
    pte_swp_mkexclusive,
    pte_write,
    pte_wrprotect,
    ptep_get,
    set_pte_at,
    swp_entry_to_pte,
)
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.i_mmap import i_mmap_lock_read, i_mmap_unlock_read, maps_file_page
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import folio_maybe_dma_pinned, folio_put
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
    become writable without a further question."""
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
    """mm/rmap.c folio_add_anon_rmap_ptes(), v6.12: one PTE more maps a folio, from swap."""
    st.folio[pfn].pg_flags |= PG_ANON | PG_SWAPBACKED
    st.page[pfn].mapcount += 1
    if exclusive:
        SetPageAnonExclusive(st, pfn)


def folio_add_file_rmap_pte(st, pfn):
    """mm/rmap.c folio_add_file_rmap_ptes(), v6.12: one PTE more maps a page of a file."""
    st.page[pfn].mapcount += 1


def folio_remove_rmap_pte(st, pfn):
    """include/linux/rmap.h folio_remove_rmap_pte(), v6.12: one PTE less maps the page."""
    st.page[pfn].mapcount -= 1
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
    return 0


def folio_try_share_anon_rmap_pte(st, pfn):
    """include/linux/rmap.h folio_try_share_anon_rmap_pte(), v6.12: the page is no longer exclusive,
    or -EBUSY if it may be pinned. The PTE is cleared and flushed before, so that GUP-fast, which
    looks at it again, cannot pin it afterwards."""
    if folio_maybe_dma_pinned(st, pfn):
        return -EBUSY
    ClearPageAnonExclusive(st, pfn)
    return 0


def folio_mkclean(st, t, pfn):
    """mm/rmap.c folio_mkclean(), v6.12: nobody can write the page of a file without a fault any
    more, and no PTE says dirty; whether one was so. What nobody maps is not looked for. Locks:
    folio lock held; takes i_mmap_rwsem for reading."""
    if st.page[pfn].mapcount == 0:
        return 0
    file = st.folio[pfn].mapping - 1
    index = st.folio[pfn].index
    cleaned = 0
    yield from i_mmap_lock_read(st, t, file)
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if maps_file_page(st, mm, vpn, file, index):
                one = yield from page_vma_mkclean_one(st, t, mm, vpn, pfn)
                cleaned |= one
    i_mmap_unlock_read(st, file)
    return cleaned


def page_vma_mkclean_one(st, t, mm, vpn, pfn):
    """mm/rmap.c page_vma_mkclean_one(), v6.12, at one place, if it has the page. Locks: takes the
    PTL, though the PTE may be none (PVMW_SYNC)."""
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    cleaned = yield from mkclean_pte(st, t, mm, vpn, pfn)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return cleaned


def mkclean_pte(st, t, mm, vpn, pfn):
    """mm/rmap.c page_vma_mkclean_one(), v6.12: what it does while notifiers know of it."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return 0
    cleaned = 0
    pte = ptep_get(st, mm, vpn)
    if pte_maps(pte, pfn) and (pte_dirty(pte) or pte_write(pte)):
        pte = yield from ptep_clear_flush(st, t, mm, vpn)
        set_pte_at(st, mm, vpn, pte_mkclean(pte_wrprotect(pte)))
        cleaned = 1
    pte_unmap_unlock(st, mm, vpn)
    return cleaned


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
