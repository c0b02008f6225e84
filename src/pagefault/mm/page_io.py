"""Folios go to the swap device and come back. Models mm/page_io.c.

Both are done in one step. Left out: that nothing is written where no PTE names the slot any more
(folio_free_swap()), folios under writeback, devices that want them to stand still
meanwhile (SWP_STABLE_WRITES), errors.
"""

from pagefault.consts import CELLS


def swap_writepage(st, pfn):
    """mm/page_io.c swap_writepage(), v6.12: the slot holds what the folio holds now."""
    slot = st.folio[pfn].swap - 1
    for cell in range(CELLS):
        st.swap[slot].cell[cell] = st.page[pfn].cell[cell]
        st.swap[slot].writer[cell] = st.page[pfn].writer[cell]
        st.swap[slot].audience[cell] = st.page[pfn].audience[cell]


def swap_read_folio(st, pfn, slot):
    """mm/page_io.c swap_read_folio(), v6.12."""
    for cell in range(CELLS):
        st.page[pfn].cell[cell] = st.swap[slot].cell[cell]
        st.page[pfn].writer[cell] = st.swap[slot].writer[cell]
        st.page[pfn].audience[cell] = st.swap[slot].audience[cell]
