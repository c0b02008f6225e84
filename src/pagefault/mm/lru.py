"""Folios leave the LRU lists for a while. Models mm/vmscan.c; the lists themselves are left out."""

from pagefault.consts import NR_RECLAIM, PG_ISOLATED
from pagefault.mm.page_alloc import folio_get, folio_put, folio_test_lru, page_folio


def folio_isolate_lru(st, t, page_pfn):
    """mm/vmscan.c folio_isolate_lru(), v6.12: take a folio off the LRU list, with a reference, onto
    the list of this task, unless somebody else has, or the list is full (SWAP_CLUSTER_MAX)."""
    pfn = page_folio(st, page_pfn)
    reclaim = st.task[t].reclaim
    if not folio_test_lru(st, pfn) or reclaim.nr == NR_RECLAIM:
        return
    st.folio[pfn].pg_flags |= PG_ISOLATED
    folio_get(st, pfn)
    reclaim.pfn[reclaim.nr] = pfn
    reclaim.nr += 1


def folio_putback_lru(st, pfn):
    """mm/vmscan.c folio_putback_lru(), v6.12."""
    st.folio[pfn].pg_flags &= ~PG_ISOLATED
    folio_put(st, pfn)
