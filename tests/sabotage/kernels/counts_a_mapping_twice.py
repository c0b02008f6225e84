"""fork counts the child's mapping of a page twice."""

from pagefault.mm.rmap import ClearPageAnonExclusive


def folio_try_dup_anon_rmap_pte(st, mm, pfn):
    ClearPageAnonExclusive(st, pfn)
    st.page[pfn].mapcount += 2
    return 0
