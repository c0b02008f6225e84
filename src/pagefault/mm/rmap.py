"""Which PTEs map a folio, and whether one of them has it alone. Models mm/rmap.c and
include/linux/rmap.h.
"""

from pagefault.consts import (
    EBUSY,
    MMF_HAS_PINNED,
    NR_VPN,
    PAGE_PRESENT,
    PG_ACTIVE,
    PG_ANON,
    PG_DIRTY,
    PG_PARTIALLY_MAPPED,
    PG_SWAPBACKED,
    PROP_COUNTS,
    PTRS_PER_PTE,
    TLB_FLUSH_BATCH_FLUSHED_SHIFT,
    TLB_FLUSH_BATCH_PENDING_LARGE,
    TLB_FLUSH_BATCH_PENDING_MASK,
    VM_DROPPABLE,
    VM_LOCKED,
)
from pagefault.hw.monitor import (
    break_promise,
    note_uffd_wp,
    observe_dropped,
    observe_exclusive_lost,
    observe_rmap_removed,
)
from pagefault.hw.pgtable import (
    pmd_trans_huge,
    pmdp_get,
    pte_dirty,
    pte_maps,
    pte_mkclean,
    pte_swp_mkexclusive,
    pte_write,
    pte_wrprotect,
    ptep_get,
    ptep_get_and_clear,
    set_pte_at,
    swp_entry_to_pte,
)
from pagefault.hw.tlb import (
    arch_tlbbatch_add_pending,
    arch_tlbbatch_flush,
    arch_tlbbatch_should_defer,
    flush_tlb_mm,
    ptep_clear_flush,
)
from pagefault.mm.anon_vma import anon_vma_lock_read, anon_vma_unlock_read
from pagefault.mm.i_mmap import i_mmap_lock_read, i_mmap_unlock_read, maps_file_page
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    folio_maybe_dma_pinned,
    folio_put,
    folio_test_anon,
    folio_test_large,
    folio_test_swapbacked,
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


def vma_is_droppable(st, mm, vpn):
    """MAP_DROPPABLE: the kernel may take the data of the pages away at any time."""
    return st.mm[mm].vma[vpn].vm_flags & VM_DROPPABLE != 0


def new_anon_flags(st, mm, vpn):
    """What a new folio is: swap-backed; but lazyfree from birth in droppable memory."""
    if vma_is_droppable(st, mm, vpn):
        return PG_ANON
    return PG_ANON | PG_SWAPBACKED


def maps_as_special(st, mm, vpn):
    """Whether a new anonymous page is mapped by a special entry, so that nobody counts on it and
    there is no rmap. In v6.12 the zero page alone is."""
    return 0


def special_pte_has_reference(st):
    """Whether who zaps a special entry also drops a reference. Not in v6.12: those belong to the
    zero page, or to a driver."""
    return 0


def folio_add_new_anon_rmap(st, mm, vpn, pfn):
    """mm/rmap.c folio_add_new_anon_rmap(), v6.12, RMAP_EXCLUSIVE: the first mapping of a folio."""
    if maps_as_special(st, mm, vpn):
        return
    st.folio[pfn].pg_flags |= new_anon_flags(st, mm, vpn)
    st.page[pfn].mapcount = 1
    SetPageAnonExclusive(st, pfn)


def folio_add_anon_rmap_pte(st, pfn, exclusive):
    """mm/rmap.c folio_add_anon_rmap_ptes(), v6.12: one PTE more maps a page; also the first one,
    of a folio from swap, as folio_add_new_anon_rmap() does."""
    if not folio_test_anon(st, pfn):
        st.folio[pfn].pg_flags |= PG_ANON | PG_SWAPBACKED
    st.page[pfn].mapcount += 1
    folio_add_large_mapcount(st, pfn, 1)
    if exclusive:
        SetPageAnonExclusive(st, pfn)


def folio_add_file_rmap_pte(st, pfn):
    """mm/rmap.c folio_add_file_rmap_ptes(), v6.12: one PTE more maps a page of a file."""
    st.page[pfn].mapcount += 1


def folio_remove_rmap_pte(st, pfn):
    """include/linux/rmap.h folio_remove_rmap_pte(), v6.12: one PTE less maps the page."""
    st.page[pfn].mapcount -= 1
    folio_add_large_mapcount(st, pfn, -1)
    if st.page[pfn].mapcount < 0:
        break_promise(st, PROP_COUNTS)
        st.page[pfn].mapcount = 0
    deferred_split_folio(st, pfn)


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


def folio_likely_mapped_shared(st, pfn):
    """include/linux/mm.h folio_likely_mapped_shared(), v6.12: a guess, by the first page, where
    PTEs map a large folio."""
    mapcount = folio_mapcount(st, pfn)
    if mapcount <= 1 or not folio_test_large(st, pfn):
        return mapcount > 1
    if st.folio[page_folio(st, pfn)].entire_mapcount or mapcount > PTRS_PER_PTE:
        return 1
    return st.page[page_folio(st, pfn)].mapcount > 1


def folio_add_new_anon_rmap_pmd(st, mm, vpn, pfn):
    """mm/rmap.c folio_add_new_anon_rmap(), v6.12, of a new folio that a PMD maps. The first page is
    marked exclusive, and that says so of all."""
    st.folio[pfn].pg_flags |= new_anon_flags(st, mm, vpn)
    st.folio[pfn].entire_mapcount = 1
    st.folio[pfn].large_mapcount = 1
    SetPageAnonExclusive(st, pfn)


def folio_add_anon_rmap_pmd(st, pfn, exclusive):
    """mm/rmap.c folio_add_anon_rmap_pmd(), v6.12: one PMD more maps the folio."""
    st.folio[pfn].entire_mapcount += 1
    st.folio[pfn].large_mapcount += 1
    if exclusive:
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
    """mm/rmap.c folio_remove_rmap_pmd(), v6.12: one PMD less maps the folio."""
    st.folio[pfn].entire_mapcount -= 1
    st.folio[pfn].large_mapcount -= 1
    if st.folio[pfn].entire_mapcount < 0:
        break_promise(st, PROP_COUNTS)
        st.folio[pfn].entire_mapcount = 0
    deferred_split_folio(st, pfn)


def folio_is_partially_mapped(st, pfn):
    """mm/rmap.c __folio_remove_rmap(), v6.12: some pages of a large folio are mapped, by PTEs, and
    others are not any more."""
    if st.folio[pfn].entire_mapcount:
        return 0
    mapped = 0
    for page_pfn in range(pfn, pfn + PTRS_PER_PTE):
        mapped += st.page[page_pfn].mapcount > 0
    return 0 < mapped < PTRS_PER_PTE


def deferred_split_folio(st, page_pfn):
    """mm/huge_memory.c deferred_split_folio(), v6.12: what is partially mapped waits to be split,
    so that the rest of its memory is free. Asked whenever a page is unmapped. Left out: that since
    6.12 all huge pages are in that queue, in case most of their pages are zeros."""
    pfn = page_folio(st, page_pfn)
    if folio_test_large(st, pfn) and folio_is_partially_mapped(st, pfn):
        st.folio[pfn].pg_flags |= PG_PARTIALLY_MAPPED


# --- who maps a page ---------------------------------------------------------------------------


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


# --- flushes that are put off ------------------------------------------------------------------


def try_to_unmap_flush(st, t):
    """mm/rmap.c try_to_unmap_flush(), v6.12: the flush that this task has put off."""
    if st.task[t].reclaim.cpus:
        yield "unmapped, TLBs not flushed"
        yield from arch_tlbbatch_flush(st, t)
        st.task[t].reclaim.writable = 0


def try_to_unmap_flush_dirty(st, t):
    """mm/rmap.c try_to_unmap_flush_dirty(), v6.12: before a folio is written, for a CPU may
    write to it by its TLB. Where all PTEs were clean, the hardware finds them gone when it makes
    them dirty."""
    if st.task[t].reclaim.writable:
        yield from try_to_unmap_flush(st, t)


def set_tlb_ubc_flush_pending(st, t, mm, pte):
    """mm/rmap.c set_tlb_ubc_flush_pending(), v6.12: the PTE was cleared and not flushed. Left out:
    that a PROT_NONE entry may be in a TLB while somebody else's flush is pending. PTL held."""
    if not pte & PAGE_PRESENT:
        return
    arch_tlbbatch_add_pending(st, t, mm)
    if st.mm[mm].tlb_flush_batched & TLB_FLUSH_BATCH_PENDING_MASK > TLB_FLUSH_BATCH_PENDING_LARGE:
        st.mm[mm].tlb_flush_batched = 1
    else:
        st.mm[mm].tlb_flush_batched += 1
    if pte_dirty(pte):
        st.task[t].reclaim.writable = 1


def batched_flush_is_pending(st, mm):
    """The question of flush_tlb_batched_pending(), v6.12: reclaim has put off a flush of this mm,
    and nobody has flushed it all since (since 4.13, commit 3ea277194daa)."""
    batch = st.mm[mm].tlb_flush_batched
    return batch & TLB_FLUSH_BATCH_PENDING_MASK != batch >> TLB_FLUSH_BATCH_FLUSHED_SHIFT


def flush_tlb_batched_pending(st, t, mm):
    """mm/rmap.c flush_tlb_batched_pending(), v6.12: who finds a PTE gone that reclaim has cleared
    must not return before it is flushed. Locks: PTL held."""
    if not batched_flush_is_pending(st, mm):
        return
    batch = st.mm[mm].tlb_flush_batched
    yield from flush_tlb_mm(st, t, mm)
    if st.mm[mm].tlb_flush_batched == batch:
        pending = batch & TLB_FLUSH_BATCH_PENDING_MASK
        st.mm[mm].tlb_flush_batched = pending | (pending << TLB_FLUSH_BATCH_FLUSHED_SHIFT)


# --- unmapping ---------------------------------------------------------------------------------


def try_to_unmap(st, t, pfn):
    """mm/rmap.c try_to_unmap(), v6.12: put swap PTEs in place of all that map the folio, until one
    has to stay. Locks: folio lock held; takes the anon_vma's for reading."""
    yield from anon_vma_lock_read(st, t)
    place = rmap_walk(st, pfn)
    while place >= 0:
        unmapped = yield from try_to_unmap_one(st, t, place // NR_VPN, place % NR_VPN, pfn)
        place = -1
        if unmapped:
            place = rmap_walk(st, pfn)
    anon_vma_unlock_read(st)


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
        return not pmd_trans_huge(pmdp_get(st, mm, vpn))
    if not pte_maps(ptep_get(st, mm, vpn), pfn):
        pte_unmap_unlock(st, mm, vpn)
        return 1
    if st.mm[mm].vma[vpn].vm_flags & VM_LOCKED:
        pte_unmap_unlock(st, mm, vpn)
        return 0
    anon_exclusive = PageAnonExclusive(st, pfn)
    pte = yield from nuke_pte(st, t, mm, vpn, pfn)
    if unmap_makes_dirty(st, mm, vpn, pte):
        st.folio[page_folio(st, pfn)].pg_flags |= PG_DIRTY

    if folio_test_swapbacked(st, pfn):
        unmapped = set_swap_pte(st, mm, vpn, pfn, pte, anon_exclusive)
    else:
        unmapped = yield from discard_lazyfree_pte(st, t, mm, vpn, pfn, pte)
    if unmapped:
        folio_remove_rmap_pte(st, pfn)
    pte_unmap_unlock(st, mm, vpn)
    if unmapped:
        folio_put(st, pfn)
    return unmapped


def nuke_pte(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_unmap_one(), v6.12, TTU_BATCH_FLUSH: take the PTE out. Where other CPUs
    would have to be interrupted, the flush is put off until a batch is done. PTL held."""
    if not arch_tlbbatch_should_defer(st, t, mm):
        pte = yield from ptep_clear_flush(st, t, mm, vpn)
        observe_rmap_removed(st, mm, vpn, pfn)
        return pte
    pte = ptep_get_and_clear(st, mm, vpn)
    set_tlb_ubc_flush_pending(st, t, mm, pte)
    yield "PTE cleared, flush put off"
    return pte


def set_swap_pte(st, mm, vpn, pfn, pte, anon_exclusive):
    """mm/rmap.c try_to_unmap_one(), v6.12, of a folio with a slot: the swap PTE takes the place of
    `pte`, or that is restored and 0 returned, if the page is exclusive and pinned."""
    slot = st.folio[pfn].swap - 1
    swap_duplicate(st, slot)
    if anon_exclusive and folio_try_share_anon_rmap_pte(st, pfn) != 0:
        swap_free(st, slot)
        set_pte_at(st, mm, vpn, pte)
        return 0
    swp_pte = swp_entry_to_pte(slot, pte)
    if anon_exclusive:
        swp_pte = pte_swp_mkexclusive(swp_pte)
    set_pte_at(st, mm, vpn, swp_pte)
    return 1


def lazyfree_has_other_users(st, pfn):
    """The question of try_to_unmap_one(), v6.12: who has a reference besides reclaim and the PTEs
    may write to the folio and make it dirty later (since 5.18, commit 6c8e2a256915)."""
    return st.folio[page_folio(st, pfn)].refcount != 1 + folio_mapcount(st, pfn)


def unmap_makes_dirty(st, mm, vpn, pte):
    """mm/rmap.c try_to_unmap_one(), v6.12: the folio takes over that its PTE was dirty."""
    return pte_dirty(pte)


def lazyfree_may_go(st, mm, vpn, pfn):
    """mm/rmap.c try_to_unmap_one(), v6.12: what was written anew stays, but in droppable memory."""
    if vma_is_droppable(st, mm, vpn):
        return 1
    return not st.folio[page_folio(st, pfn)].pg_flags & PG_DIRTY


def failed_discard_rescues(st, mm, vpn, pfn):
    """mm/rmap.c try_to_unmap_one(), v6.12: a lazyfree folio that could not go is swap-backed again.
    One of droppable memory never is."""
    return not vma_is_droppable(st, mm, vpn)


def discarded_pte(st, mm, vpn):
    """What stands where a page was discarded: nothing, so that the next touch finds zeros."""
    return 0


def discard_lazyfree_pte(st, t, mm, vpn, pfn, pte):
    """mm/rmap.c try_to_unmap_one(), v6.12, of a folio that MADV_FREE has marked, or of droppable
    memory: its data goes, or the PTE is restored and 0 returned, as the folio is used again.

    References are counted before the dirty flag is looked at: who drops one has set the flag.
    """
    used = lazyfree_has_other_users(st, pfn)
    yield "references counted, dirty flag not looked at"
    if used or not lazyfree_may_go(st, mm, vpn, pfn):
        set_pte_at(st, mm, vpn, pte)
        st.folio[page_folio(st, pfn)].pg_flags |= PG_ACTIVE
        if failed_discard_rescues(st, mm, vpn, pfn):
            st.folio[page_folio(st, pfn)].pg_flags |= PG_SWAPBACKED
        return 0
    observe_dropped(st, mm, vpn, pfn)
    set_pte_at(st, mm, vpn, discarded_pte(st, mm, vpn))
    # Ghost: userfaultfd write-protects PTEs, and this one is none now.
    note_uffd_wp(st, mm, vpn, 0)
    return 1
