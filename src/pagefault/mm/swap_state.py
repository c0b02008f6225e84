"""The swap cache: folios that have a place on the swap device. Models mm/swap_state.c.

The cache holds a reference. A folio leaves it when reclaim frees the folio, or when no PTE names
the slot any more and somebody who has the folio locked notices.
"""

from pagefault.consts import BLOCKED, PG_DIRTY
from pagefault.hw.choice import choose
from pagefault.mm.folio_lock import folio_test_locked
from pagefault.mm.page_alloc import folio_alloc, folio_get, folio_put
from pagefault.mm.page_io import folio_test_writeback, swap_read_folio
from pagefault.mm.swapfile import (
    folio_alloc_swap,
    slot_is_being_read,
    swap_entry_free,
    swap_free,
)


def add_to_swap_cache(st, pfn, slot):
    """mm/swap_state.c add_to_swap_cache(), v6.12."""
    folio_get(st, pfn)
    st.folio[pfn].swap = slot + 1
    st.swap[slot].pfn = pfn


def add_to_swap(st, pfn):
    """mm/swap_state.c add_to_swap(), v6.12: give a folio a slot; 0 if swap is full. The folio is
    dirty from then on, since the slot holds nothing yet. Locks: folio lock held."""
    slot = folio_alloc_swap(st)
    if slot < 0:
        return 0
    add_to_swap_cache(st, pfn, slot)
    st.folio[pfn].pg_flags |= PG_DIRTY
    return 1


def delete_from_swap_cache(st, pfn):
    """mm/swap_state.c delete_from_swap_cache(), v6.12. Locks: folio lock held. The caller has a
    reference besides the cache's."""
    slot = st.folio[pfn].swap - 1
    st.folio[pfn].swap = 0
    st.swap[slot].pfn = 0
    swap_entry_free(st, slot)
    folio_put(st, pfn)


def swap_cache_get_folio(st, slot):
    """mm/swap_state.c swap_cache_get_folio(), v6.12: the slot's folio with a reference, or -1."""
    if st.swap[slot].pfn == 0:
        return -1
    folio_get(st, st.swap[slot].pfn)
    return st.swap[slot].pfn


def swapin_readahead(st, t, slot):
    """mm/swap_state.c __read_swap_cache_async(), v6.12: the slot's folio with a reference, read if
    it is not in the cache; -1 if nobody needs the slot any more. Left out: reading ahead.

    The folio is locked while it is read; here that is one step.
    """
    yield "not in the swap cache"
    while slot_is_being_read(st, slot):
        yield BLOCKED
    if st.swap[slot].pfn != 0:
        return swap_cache_get_folio(st, slot)
    if st.swap[slot].count == 0:
        return -1
    new_pfn = folio_alloc(st)
    add_to_swap_cache(st, new_pfn, slot)
    swap_read_folio(st, new_pfn, slot)
    return new_pfn


def skips_swap_cache(st, slot):
    """mm/memory.c do_swap_page(), v6.12: whether to read the slot into a folio of the fault's own.
    So it is if one PTE names the slot and the device is synchronous (SWP_SYNCHRONOUS_IO), as zram
    is."""
    return st.swap[slot].count == 1 and choose(st, 2)


def folio_swapcount(st, pfn):
    """mm/swapfile.c swap_swapcount(), v6.12: how many PTEs name the slot of a folio; 0 if it is not
    in the swap cache."""
    if st.folio[pfn].swap == 0:
        return 0
    return st.swap[st.folio[pfn].swap - 1].count


def folio_free_swap(st, pfn):
    """mm/swapfile.c folio_free_swap(), v6.12: out of the swap cache, if no PTE names the slot and
    the device has written it. What it held is in no slot then, so the folio is dirty. Locks: folio
    lock held."""
    if not st.folio[pfn].swap or folio_swapcount(st, pfn) != 0:
        return
    if not folio_test_writeback(st, pfn):
        st.folio[pfn].pg_flags |= PG_DIRTY
        delete_from_swap_cache(st, pfn)


def free_swap_cache(st, pfn):
    """mm/swap_state.c free_swap_cache(), v6.12: before the last mapping's reference goes. The folio
    lock is only tried."""
    if st.folio[pfn].swap and st.page[pfn].mapcount == 0 and not folio_test_locked(st, pfn):
        folio_free_swap(st, pfn)


def free_swap_and_cache(st, slot):
    """mm/swapfile.c free_swap_and_cache_nr(), v6.12: a swap PTE is zapped. The last one takes the
    folio in the swap cache along, if that is not mapped and its lock free."""
    swap_free(st, slot)
    pfn = st.swap[slot].pfn
    if st.swap[slot].count == 0 and pfn != 0:
        free_swap_cache(st, pfn)
