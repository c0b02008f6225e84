"""Which PTEs map a folio, and whether one of them has it alone. Models mm/rmap.c and
include/linux/rmap.h.
"""

from pagefault.consts import EBUSY, MMF_HAS_PINNED, PG_ANON, PG_SWAPBACKED, PROP_COUNTS
from pagefault.hw.monitor import break_promise, observe_exclusive_lost
from pagefault.mm.page_alloc import folio_maybe_dma_pinned
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
