"""A write fault counts who maps a huge page while somebody splits his PMD: from 4.6 to 5.7.4.

CVE-2020-29368. The mapcounts of the pages are read before that of the PMDs; a split moves one from
here to there in between, and is not counted at all. Since 5.8 and 5.7.5 a split takes the folio
lock, which the fault holds (commit c444eb564fb1 by Andrea Arcangeli). Left out: waiting for that
lock, the fault is taken again instead.
"""

from pagefault.consts import EAGAIN, PTRS_PER_PTE
from pagefault.hw.pgtable import pte_pfn
from pagefault.mm.folio_lock import folio_trylock, folio_unlock


def reuse_huge_folio(st, t, mm, vpn, orig_pmd):
    head_pfn = pte_pfn(orig_pmd)
    if not folio_trylock(st, t, head_pfn):
        return -EAGAIN
    mapcount = 0
    for i in range(PTRS_PER_PTE):
        mapcount = max(mapcount, st.page[head_pfn + i].mapcount)
    yield "mapcounts of the pages read, that of the PMDs not"
    mapcount += st.folio[head_pfn].entire_mapcount
    folio_unlock(st, head_pfn)
    return mapcount == 1
