"""Folios go to the swap device and come back. Models mm/page_io.c.

Both are done in one step. Left out: that nothing is written where no PTE names the slot any more
(folio_free_swap()), devices that want a folio under writeback to stand still
(SWP_STABLE_WRITES), errors.
"""

from pagefault.consts import CELLS, PG_WRITEBACK
from pagefault.hw.choice import choose
from pagefault.hw.monitor import observe_secret_leaves, observe_written_out


def swap_writepage(st, pfn):
    """mm/page_io.c swap_writepage(), v6.12: the slot holds what the folio holds now."""
    slot = st.folio[pfn].swap - 1
    observe_written_out(st, pfn, slot)
    observe_secret_leaves(st, pfn)
    for cell in range(CELLS):
        st.swap[slot].cell[cell] = st.page[pfn].cell[cell]
        st.swap[slot].writer[cell] = st.page[pfn].writer[cell]
        st.swap[slot].audience[cell] = st.page[pfn].audience[cell]


def folio_start_writeback(st, pfn):
    """include/linux/page-flags.h folio_start_writeback(), v6.12: the device has the folio in hand.
    One that is synchronous, as zram is, has written it when swap_writepage() returns."""
    if choose(st, 2):
        st.folio[pfn].pg_flags |= PG_WRITEBACK


def folio_test_writeback(st, pfn):
    """include/linux/page-flags.h folio_test_writeback(), v6.12. The device may be done at any time
    (mm/page_io.c end_swap_bio_write()), which only who asks here can tell; so the end comes here.
    """
    if st.folio[pfn].pg_flags & PG_WRITEBACK and choose(st, 2):
        st.folio[pfn].pg_flags &= ~PG_WRITEBACK
    return st.folio[pfn].pg_flags & PG_WRITEBACK


def swap_read_folio(st, pfn, slot):
    """mm/page_io.c swap_read_folio(), v6.12."""
    for cell in range(CELLS):
        st.page[pfn].cell[cell] = st.swap[slot].cell[cell]
        st.page[pfn].writer[cell] = st.swap[slot].writer[cell]
        st.page[pfn].audience[cell] = st.swap[slot].audience[cell]
