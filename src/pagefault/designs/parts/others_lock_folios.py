"""Somebody whom the model does not have may hold a folio's lock whenever it is only tried for.

kcompactd, kswapd, khugepaged, ksmd: who tries (folio_trylock()) goes on without the folio then, so
that reclaim, KSM and the splitting of huge pages promise nothing. Nothing that is promised of data
hangs on it. Left out: wp_can_reuse_anon_folio(), which would copy a page more; who waits for a lock
sees no difference.
"""

from pagefault.hw.choice import choose
from pagefault.mm.page_alloc import folio_test_anon


def others_have_locked(st, pfn):
    mapped = st.page[pfn].mapcount or st.folio[pfn].large_mapcount
    return folio_test_anon(st, pfn) and mapped and choose(st, 2)
