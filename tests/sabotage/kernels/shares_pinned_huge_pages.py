"""fork shares a huge page though one of its pages is pinned."""

from pagefault.mm.rmap import ClearPageAnonExclusive


def folio_try_dup_anon_rmap_pmd(st, mm, pfn):
    ClearPageAnonExclusive(st, pfn)
    st.folio[pfn].entire_mapcount += 1
    st.folio[pfn].large_mapcount += 1
    return 0
