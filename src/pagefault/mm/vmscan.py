"""Reclaim of an anonymous folio. Models mm/vmscan.c.

Left out: the LRU lists and their batches, that several folios are isolated before the first is
reclaimed, that the flush of unmapped PTEs is put off (TTU_BATCH_FLUSH), folios that are not dirty
and not in swap (MADV_FREE).
"""

from pagefault.consts import BUG_LEFT_OUT, NR_SWAP, PG_ANON, PG_DIRTY, PG_ISOLATED
from pagefault.hw.choice import VM_BUG_ON, choose
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.folio_lock import folio_trylock, folio_unlock
from pagefault.mm.page_alloc import folio_get, folio_maybe_dma_pinned, folio_put, folio_test_large
from pagefault.mm.page_io import swap_writepage
from pagefault.mm.rmap import try_to_unmap
from pagefault.mm.swap_state import add_to_swap, delete_from_swap_cache


def folio_isolate_lru(st, pfn):
    """mm/vmscan.c folio_isolate_lru(), v6.12: take a folio off the LRU list, with a reference; 0 if
    somebody else has."""
    VM_BUG_ON(st, folio_test_large(st, pfn), BUG_LEFT_OUT)
    if not st.folio[pfn].pg_flags & PG_ANON or st.folio[pfn].pg_flags & PG_ISOLATED:
        return 0
    st.folio[pfn].pg_flags |= PG_ISOLATED
    folio_get(st, pfn)
    return 1


def folio_putback_lru(st, pfn):
    """mm/vmscan.c folio_putback_lru(), v6.12."""
    st.folio[pfn].pg_flags &= ~PG_ISOLATED
    folio_put(st, pfn)


def reclaim_keeps_pinned(st, pfn):
    """A folio that may be pinned gets no slot: shrink_folio_list() before add_to_swap(), since 5.11
    and in 5.10.y (commit feb889fb40fa)."""
    return folio_maybe_dma_pinned(st, pfn)


def is_page_cache_freeable(st, pfn):
    """mm/vmscan.c is_page_cache_freeable(), v6.12: nobody but the swap cache and whoever isolated
    the folio has a reference."""
    return st.folio[pfn].refcount == 2


def device_is_synchronous(st):
    """Whether the device has written when swap_writepage() returns, as zram has. A disk has not:
    the folio is under writeback, and stays in the swap cache."""
    return choose(st, 2)


def reclaim_pages(st, t, pfn):
    """mm/vmscan.c reclaim_pages(), v6.12, of one isolated folio."""
    freed = yield from shrink_folio_list(st, t, pfn)
    if not freed:
        folio_putback_lru(st, pfn)


def shrink_folio_list(st, t, pfn):
    """mm/vmscan.c shrink_folio_list(), v6.12, of one anonymous folio, however lately it was used: 1
    if it was freed. Locks: none on entry; tries the folio lock, which is free again on return."""
    yield "isolated, folio not locked"
    if not folio_trylock(st, t, pfn):
        return 0
    if not st.folio[pfn].swap and (reclaim_keeps_pinned(st, pfn) or not add_to_swap(st, pfn)):
        folio_unlock(st, pfn)
        return 0
    yield "in the swap cache, still mapped"
    yield from try_to_unmap(st, t, pfn)
    # Unmapped, it can no longer be pinned anew; if it is pinned, a device may write to it.
    if st.page[pfn].mapcount != 0 or folio_maybe_dma_pinned(st, pfn):
        folio_unlock(st, pfn)
        return 0
    if st.folio[pfn].pg_flags & PG_DIRTY:
        yield "unmapped, not written yet"
        written = pageout(st, pfn)
        folio_unlock(st, pfn)
        if not written or not device_is_synchronous(st):
            return 0
        yield "written to swap, folio not locked"
        if not folio_trylock(st, t, pfn):
            return 0
    freed = remove_mapping(st, pfn)
    folio_unlock(st, pfn)
    if freed:
        folio_put(st, pfn)
    return freed


def remove_mapping(st, pfn):
    """mm/vmscan.c __remove_mapping(), v6.12: out of the swap cache, if nobody has come to need the
    folio; 1 if the caller's reference is the last. Locks: folio lock held."""
    if not is_page_cache_freeable(st, pfn) or st.folio[pfn].pg_flags & PG_DIRTY:
        return 0
    delete_from_swap_cache(st, pfn)
    return 1


def pageout(st, pfn):
    """mm/vmscan.c pageout(), v6.12: write the folio to its slot; 0 if somebody has a reference, and
    it is kept as it is (PAGE_KEEP)."""
    if not is_page_cache_freeable(st, pfn):
        return 0
    st.folio[pfn].pg_flags &= ~PG_DIRTY
    swap_writepage(st, pfn)
    return 1


def sys_reclaim(st, t):
    """mm/vmscan.c try_to_free_mem_cgroup_pages(), v6.12, of a memory cgroup that all tasks are in,
    until nothing more can be had: by memory.reclaim. No mmap_lock is taken.

    Left out: the order of the LRU lists; a folio is met by the first PTE that maps it.
    """
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            pte = ptep_get(st, mm, vpn)
            if pte_present(pte) and folio_isolate_lru(st, pte_pfn(pte)):
                yield from reclaim_pages(st, t, pte_pfn(pte))
    for slot in range(NR_SWAP):
        pfn = st.swap[slot].pfn
        if pfn != 0 and reclaim_comes_again(st) and folio_isolate_lru(st, pfn):
            yield from reclaim_pages(st, t, pfn)
    return 0


def reclaim_comes_again(st):
    """Whether a folio that was written is met once more when the device has done it."""
    return choose(st, 2)
