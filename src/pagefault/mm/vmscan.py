"""Reclaim of an anonymous folio. Models mm/vmscan.c.

Left out: the LRU lists, their order and their batches; swap of a huge page that is not split first,
as 7.2 does where it finds a cluster of slots (conform/known.toml).
"""

from pagefault.consts import (
    EAGAIN,
    NR_RECLAIM,
    NR_RECLAIMED,
    NR_SWAP,
    PG_ACTIVE,
    PG_DIRTY,
    PG_SWAPBACKED,
    PTRS_PER_PTE,
    VM_LOCKED,
)
from pagefault.hw.choice import choose
from pagefault.hw.pgtable import pte_dirty, pte_pfn, pte_present, ptep_get
from pagefault.mm.folio_lock import folio_trylock, folio_unlock
from pagefault.mm.lru import folio_isolate_lru, folio_putback_lru
from pagefault.mm.page_alloc import (
    folio_maybe_dma_pinned,
    folio_test_large,
    folio_test_swapbacked,
    page_folio,
)
from pagefault.mm.page_io import folio_start_writeback, folio_test_writeback, swap_writepage
from pagefault.mm.rmap import (
    folio_mapcount,
    try_to_unmap,
    try_to_unmap_flush,
    try_to_unmap_flush_dirty,
)
from pagefault.mm.split_huge_page import (
    deferred_split_scan,
    folio_nr_pages,
    split_folio,
    unmap_huge_pmds,
)
from pagefault.mm.swap_state import add_to_swap, delete_from_swap_cache


def reclaim_keeps_pinned(st, pfn):
    """A folio that may be pinned gets no slot: shrink_folio_list() before add_to_swap(), since 5.11
    and in 5.10.y (commit feb889fb40fa)."""
    return folio_maybe_dma_pinned(st, pfn)


def is_page_cache_freeable(st, pfn):
    """mm/vmscan.c is_page_cache_freeable(), v6.12: nobody but the swap cache and whoever isolated
    the folio has a reference."""
    return st.folio[pfn].refcount == 2


def reclaim_pages(st, t):
    """mm/vmscan.c reclaim_pages(), v6.12, of the folios that this task has isolated. Those that
    nobody else has a reference to any more are free then; their last mappings were flushed."""
    i = 0
    while i < st.task[t].reclaim.nr:  # a large folio that is split adds its pages
        yield from shrink_folio(st, t, st.task[t].reclaim.pfn[i])
        i += 1
    yield from try_to_unmap_flush(st, t)
    for i in range(st.task[t].reclaim.nr):
        folio_putback_lru(st, st.task[t].reclaim.pfn[i])
        st.task[t].reclaim.pfn[i] = 0
    st.task[t].reclaim.nr = 0


def shrink_folio(st, t, pfn):
    """mm/vmscan.c shrink_folio_list(), v6.12, of one anonymous folio, however lately it was used:
    all references to it go but that of the caller, or some stay. Locks: none on entry; tries the
    folio lock, which is free again on return."""
    yield "isolated, folio not locked"
    if not folio_trylock(st, t, pfn):
        return
    if folio_test_writeback(st, pfn):
        folio_unlock(st, pfn)
        return
    unmapped = yield from shrink_mapped_folio(st, t, pfn)
    if unmapped and st.folio[pfn].pg_flags & PG_DIRTY:
        if folio_is_file_lru(st, pfn):
            # Dirty, and not for reclaim to write: back to its list (PGACTIVATE), which frees what
            # nobody has, and counts nothing.
            folio_unlock(st, pfn)
            return
        yield from try_to_unmap_flush_dirty(st, t)
        yield "unmapped, not written yet"
        written = pageout(st, pfn)
        folio_unlock(st, pfn)
        if not written or folio_test_writeback(st, pfn):
            return
        yield "written to swap, folio not locked"
        if not folio_trylock(st, t, pfn):
            return
    if unmapped:
        remove_mapping(st, pfn)
        count_reclaimed(st, t, pfn)
    folio_unlock(st, pfn)


def shrink_mapped_folio(st, t, pfn):
    """mm/vmscan.c shrink_folio_list(), v6.12: a slot for the folio if it needs one, and its PTEs
    go; 1 if it may be reclaimed then. A large one is split before, which the kernel does where
    swap has no room for it in one piece. Locks: folio lock held."""
    if folio_test_swapbacked(st, pfn) and not st.folio[pfn].swap:
        if reclaim_keeps_pinned(st, pfn):
            return 0
        if folio_test_large(st, pfn):
            ret = yield from split_folio(st, t, pfn)
            if ret != 0:
                return 0
        if not add_to_swap(st, pfn):
            return 0
    yield "has its place, still mapped"
    if folio_test_large(st, pfn):
        yield from unmap_large_folio(st, t, pfn)
    else:
        yield from try_to_unmap(st, t, pfn)
    # Unmapped, it can no longer be pinned anew; if it is pinned, a device may write to it.
    return folio_mapcount(st, pfn) == 0 and not folio_maybe_dma_pinned(st, pfn)


def unmap_large_folio(st, t, pfn):
    """mm/rmap.c try_to_unmap(), v6.12, TTU_SPLIT_HUGE_PMD, of a large lazyfree folio."""
    yield from unmap_huge_pmds(st, t, pfn)
    for i in range(PTRS_PER_PTE):
        yield from try_to_unmap(st, t, pfn + i)
        if st.page[pfn + i].mapcount:
            return


def folio_is_file_lru(st, pfn):
    """include/linux/mm_inline.h folio_is_file_lru(), v6.12: lazyfree folios stand there, too."""
    return not folio_test_swapbacked(st, pfn)


def remove_mapping(st, pfn):
    """mm/vmscan.c __remove_mapping(), v6.12: out of the swap cache, if nobody has come to need the
    folio: then the caller's reference is the last, as it is where a lazyfree folio is unmapped.
    Locks: folio lock held."""
    if not st.folio[pfn].swap:
        return
    if is_page_cache_freeable(st, pfn) and not st.folio[pfn].pg_flags & PG_DIRTY:
        delete_from_swap_cache(st, pfn)


def count_reclaimed(st, t, pfn):
    """mm/vmscan.c shrink_folio_list(), v6.12: nr_reclaimed, and PGLAZYFREED, of a folio to which
    nobody has a reference but who isolated it."""
    if st.task[t].private[NR_RECLAIMED] and st.folio[pfn].refcount == 1:
        st.task[t].private[NR_RECLAIMED] += folio_nr_pages(st, pfn)


def pageout(st, pfn):
    """mm/vmscan.c pageout(), v6.12: write the folio to its slot; 0 if it has none, or somebody has
    a reference, and it is kept as it is (PAGE_KEEP)."""
    if not st.folio[pfn].swap or not is_page_cache_freeable(st, pfn):
        return 0
    st.folio[pfn].pg_flags &= ~PG_DIRTY
    swap_writepage(st, pfn)
    folio_start_writeback(st, pfn)
    return 1


def sys_reclaim(st, t):
    """mm/vmscan.c try_to_free_mem_cgroup_pages(), v6.12, of a memory cgroup that all tasks are in,
    until nothing more can be had: by memory.reclaim. No mmap_lock is taken.

    Left out: the order of the LRU lists; a folio is met by the first PTE that maps it. Of the
    shrinkers (mm/shrinker.c shrink_slab()) there is one.
    """
    yield from shrink_lruvec(st, t)
    for slot in range(NR_SWAP):
        if st.swap[slot].pfn != 0 and reclaim_comes_again(st):
            folio_isolate_lru(st, t, st.swap[slot].pfn)
    yield from reclaim_pages(st, t)
    yield from deferred_split_scan(st, t)
    return 0


def sys_reclaim_file(st, t, pages):
    """mm/memcontrol.c memory_reclaim(), v6.12, with swappiness=0, of that memory cgroup: 0, or
    -EAGAIN where reclaim counts fewer pages than that, though all may be gone.

    Left out: that it stops when it has counted enough, which is after 32 pages at the earliest; the
    pages of files.
    """
    st.task[t].private[NR_RECLAIMED] = 1
    yield from shrink_lruvec(st, t)
    reclaimed = st.task[t].private[NR_RECLAIMED] - 1
    st.task[t].private[NR_RECLAIMED] = 0
    if reclaimed < pages:
        return -EAGAIN
    return 0


def shrink_lruvec(st, t):
    """mm/vmscan.c shrink_lruvec(), v6.12: looks at PTEs, then takes what was not used lately, then
    what was."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            age_lazyfree(st, mm, vpn)
    yield from reclaim_mapped(st, t, 0)
    yield from reclaim_mapped(st, t, PG_ACTIVE)


def may_scan(st, t, pfn):
    """mm/vmscan.c get_scan_count(), v6.12: with swappiness=0 the LRU of anonymous memory is left
    alone."""
    return st.task[t].private[NR_RECLAIMED] == 0 or folio_is_file_lru(st, page_folio(st, pfn))


def folio_is_active(st, pfn):
    """PG_ACTIVE if the folio was used lately, else 0."""
    return st.folio[page_folio(st, pfn)].pg_flags & PG_ACTIVE


def reclaim_mapped(st, t, active):
    """mm/vmscan.c shrink_lruvec(), v6.12: what page tables map and was not used lately; or, with
    PG_ACTIVE, what was, and may be spared."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            pte = ptep_get(st, mm, vpn)
            if st.mm[mm].vma[vpn].vm_flags & VM_LOCKED:
                continue  # unevictable
            if not pte_present(pte) or not may_scan(st, t, pte_pfn(pte)):
                continue
            if folio_is_active(st, pte_pfn(pte)) == active:
                if st.task[t].reclaim.nr and folio_test_large(st, pte_pfn(pte)):
                    yield from reclaim_pages(st, t)  # so that there is room for its pages
                    pte = ptep_get(st, mm, vpn)
                if pte_present(pte) and (not active or reclaim_comes_again(st)):
                    folio_isolate_lru(st, t, pte_pfn(pte))
            if st.task[t].reclaim.nr == NR_RECLAIM:
                yield from reclaim_pages(st, t)
    yield from reclaim_pages(st, t)


def age_lazyfree(st, mm, vpn):
    """mm/vmscan.c walk_pte_range() and sort_folio(), v6.12: the multi-generational LRU may have
    looked at PTEs before, and have taken over that one is dirty."""
    pte = ptep_get(st, mm, vpn)
    if pte_present(pte) and not folio_test_swapbacked(st, pte_pfn(pte)):
        if aging_makes_dirty(st, mm, vpn, pte) and choose(st, 2):
            pfn = page_folio(st, pte_pfn(pte))
            st.folio[pfn].pg_flags |= PG_DIRTY | sort_dirty_folio()
            if aging_rescues(st, pfn):
                st.folio[pfn].pg_flags |= PG_SWAPBACKED


def aging_makes_dirty(st, mm, vpn, pte):
    """mm/vmscan.c walk_pte_range(), v6.12: the folio takes over that its PTE is dirty."""
    return pte_dirty(pte)


def sort_dirty_folio():
    """mm/vmscan.c sort_folio(), v6.12: the flag of a dirty folio of the file LRU, which waits to be
    written, it thinks, and is made the youngest of all."""
    return PG_ACTIVE


def aging_rescues(st, pfn):
    """mm/vmscan.c sort_folio(): whether a lazyfree folio that is dirty is swap-backed again. Up to
    6.10; it asked no VMA, and so had to go for droppable memory (commit 9651fcedf7b9)."""
    return 0


def reclaim_comes_again(st):
    """Whether a folio is met once more, though it was being written, or spared as it is in use."""
    return choose(st, 2)
