"""Folios come and go, and their reference counts. Models mm/page_alloc.c and include/linux/mm.h.

Left out: the LRU and its per-CPU batches (which hold a reference for a while), memory cgroups.
"""

from pagefault.consts import (
    BUG_NO_FREE_FOLIO,
    CELLS,
    FOLL_PIN,
    GUP_PIN_COUNTING_BIAS,
    NR_PRIVATE,
    PG_ANON,
    PG_DIRTY,
    PG_ISOLATED,
    PG_KSM,
    PG_SWAPBACKED,
    PROP_COUNTS,
    ZERO_PFN,
)
from pagefault.hw.choice import VM_BUG_ON, choose
from pagefault.hw.monitor import EVERYBODY, break_promise, mark_dangling


def is_zero_pfn(pfn):
    return pfn == ZERO_PFN


def folio_test_anon(st, pfn):
    return st.folio[pfn].pg_flags & PG_ANON != 0


def folio_test_ksm(st, pfn):
    """include/linux/page-flags.h folio_test_ksm(), v6.12: KSM has merged it; anonymous, too."""
    return st.folio[pfn].pg_flags & PG_KSM != 0


def folio_test_swapbacked(st, pfn):
    """include/linux/page-flags.h folio_test_swapbacked(), v6.12: an anonymous folio without it is
    lazyfree: MADV_FREE has marked it, it may be discarded while it is clean."""
    return st.folio[pfn].pg_flags & PG_SWAPBACKED != 0


def folio_test_lru(st, pfn):
    """include/linux/page-flags.h folio_test_lru(), v6.12: reclaim would find the folio, and nobody
    has it in hand."""
    return folio_test_anon(st, pfn) and not st.folio[pfn].pg_flags & PG_ISOLATED


def folio_alloc(st):
    """A zeroed folio of order 0 with one reference. mm/page_alloc.c __folio_alloc(), v6.12.

    Which free frame is handed out matters only where somebody still names a freed one: then that
    frame is a choice, beside any other. Registers of calls under way are not looked at; a free
    frame that only they name comes first in the canonical order, so that it is the one reused.
    """
    fresh = -1
    candidates = 0
    for pfn in range(1, st.nr_pfns):
        if st.folio[pfn].refcount == 0:
            if st.page[pfn].dangling:
                candidates += 1
            elif fresh < 0:
                fresh = pfn
    if fresh < 0 and candidates == 0:
        VM_BUG_ON(st, 1, BUG_NO_FREE_FOLIO)
        return 1
    picked = choose(st, candidates + (fresh >= 0))
    if fresh >= 0:
        picked -= 1
    new_pfn = fresh
    for pfn in range(1, st.nr_pfns):
        if st.folio[pfn].refcount == 0 and st.page[pfn].dangling:
            if picked == 0:
                new_pfn = pfn
            picked -= 1
    prep_new_page(st, new_pfn)
    return new_pfn


def prep_new_page(st, pfn):
    """mm/page_alloc.c prep_new_page(), v6.12, with __GFP_ZERO."""
    st.folio[pfn].refcount = 1
    st.page[pfn].dangling = 0
    clear_highpage(st, pfn)


def clear_highpage(st, pfn):
    """Zero the page. Everybody may see zeros."""
    for cell in range(CELLS):
        st.page[pfn].cell[cell] = 0
        st.page[pfn].writer[cell] = 0
        st.page[pfn].audience[cell] = EVERYBODY


def copy_highpage(st, new_pfn, old_pfn):
    """Copy a page with who wrote each cell. One step: tearing within a copy is left out."""
    for cell in range(CELLS):
        st.page[new_pfn].cell[cell] = st.page[old_pfn].cell[cell]
        st.page[new_pfn].writer[cell] = st.page[old_pfn].writer[cell]
        st.page[new_pfn].audience[cell] = st.page[old_pfn].audience[cell]


def pages_identical(st, pfn, other):
    """mm/util.c memcmp_pages(), v6.12: equal contents. One step."""
    for cell in range(CELLS):
        if st.page[pfn].cell[cell] != st.page[other].cell[cell]:
            return 0
    return 1


def folio_mark_dirty(st, pfn):
    """mm/page-writeback.c folio_mark_dirty(), v6.12: what the page holds is newer than the disk."""
    st.folio[pfn].pg_flags |= PG_DIRTY


def folio_get(st, pfn):
    st.folio[pfn].refcount += 1


def page_is_counted(st, pfn):
    """Whether references to a page, and its mappings, are counted in its struct page. They are in
    v6.12, whatever the page is for."""
    return 1


def page_has_mapcount(st, pfn):
    """Whether the PTEs that map a page are counted there, as for all pages of v6.12 that PTEs count
    on at all."""
    return page_is_counted(st, pfn)


def put_elsewhere(st, pfn, refs):
    """Drop `refs` references that are not counted in struct page; 0 where there are none such."""
    return 0


def folio_ref_sub(st, pfn, refs):
    """Drop `refs` references; the last one frees the folio. mm/swap.c __folio_put(), v6.12."""
    if is_zero_pfn(pfn) or put_elsewhere(st, pfn, refs):
        return
    st.folio[pfn].refcount -= refs
    if st.folio[pfn].refcount < 0:
        break_promise(st, PROP_COUNTS)
        st.folio[pfn].refcount = 0
    elif st.folio[pfn].refcount == 0:
        free_unref_folio(st, pfn)


def folio_put(st, pfn):
    folio_ref_sub(st, pfn, 1)


def free_unref_folio(st, pfn):
    """mm/page_alloc.c free_unref_page(), v6.12: the folio is nobody's from here on."""
    if st.page[pfn].mapcount != 0:
        break_promise(st, PROP_COUNTS)
    mark_dangling(st, pfn)
    st.page[pfn].anon_exclusive = 0
    clear_highpage(st, pfn)
    st.folio[pfn].pg_flags = 0
    st.folio[pfn].mapping = 0
    st.folio[pfn].index = 0
    for i in range(NR_PRIVATE):
        st.folio[pfn].private[i] = 0


def folio_maybe_dma_pinned(st, pfn):
    """include/linux/mm.h folio_maybe_dma_pinned(), v6.12. A small folio has only its refcount to
    tell by, so 1024 plain references look like a pin."""
    return st.folio[pfn].refcount >= GUP_PIN_COUNTING_BIAS


def grab_refs(gup_flags):
    """How much one GUP reference adds to a small folio's refcount."""
    if gup_flags & FOLL_PIN:
        return GUP_PIN_COUNTING_BIAS
    return 1
