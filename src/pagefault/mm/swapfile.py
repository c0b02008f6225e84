"""The slots of the swap device and how many PTEs name each. Models mm/swapfile.c.

A slot is in use while a PTE counts on it (its count), while its folio is in the swap cache, or
while a fault that bypasses the swap cache has claimed it (both are SWAP_HAS_CACHE in the kernel).
"""

from pagefault.consts import CELLS, NR_SWAP, PROP_COUNTS
from pagefault.hw.monitor import break_promise


def swap_slot_in_use(st, slot):
    return st.swap[slot].count != 0 or st.swap[slot].pfn != 0 or st.swap[slot].claimed


def folio_alloc_swap(st):
    """mm/swap_slots.c folio_alloc_swap(), v6.12: a free slot, -1 if swap is full. A slot just freed
    is the first to be taken again."""
    for slot in range(NR_SWAP):
        if not swap_slot_in_use(st, slot):
            return slot
    return -1


def swap_duplicate(st, slot):
    """mm/swapfile.c swap_duplicate(), v6.12: one PTE more names the slot."""
    st.swap[slot].count += 1


def swap_free(st, slot):
    """mm/swapfile.c swap_free_nr(), v6.12: one PTE less names the slot."""
    if st.swap[slot].count == 0:
        break_promise(st, PROP_COUNTS)
        return
    st.swap[slot].count -= 1
    swap_entry_free(st, slot)


def swap_entry_free(st, slot):
    """mm/swapfile.c swap_entry_range_free(), v6.12, if nobody uses the slot any more. What it held
    is forgotten, since nobody can read it."""
    if not swap_slot_in_use(st, slot):
        for cell in range(CELLS):
            st.swap[slot].cell[cell] = 0
            st.swap[slot].writer[cell] = 0
            st.swap[slot].audience[cell] = 0


def swapcache_prepare(st, slot):
    """mm/swapfile.c swapcache_prepare(), v6.12: claim a slot for a fault that bypasses the swap
    cache (since 6.8, commit 13ddaf26be32). 0 if its folio is in the cache or it is free by now."""
    if st.swap[slot].pfn != 0 or st.swap[slot].count == 0:
        return 0
    st.swap[slot].claimed = 1
    return 1


def slot_is_being_read(st, slot):
    """Who needs the slot waits for the fault that has claimed it: mm/memory.c do_swap_page() and
    mm/swap_state.c __read_swap_cache_async(), v6.12, for a tick, then they look again. Once no PTE
    names it, nobody needs it."""
    return st.swap[slot].claimed and st.swap[slot].count != 0


def swapcache_clear(st, slot):
    """mm/swapfile.c swapcache_clear(), v6.12: the claim ends."""
    st.swap[slot].claimed = 0
    swap_entry_free(st, slot)
