"""A write fault may reuse one page of a large folio, if nobody but the faulting process maps it.

mm/memory.c __wp_can_reuse_large_anon_folio(), Linux 6.15, commit 1da190f4d0a6 by David Hildenbrand.
Every reference must be a mapping, and all of them of one address space; only the page that faulted
becomes exclusive. Left out: that the kernel keeps only two address spaces of a folio apart
(folio_maybe_mapped_shared()).
"""

from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.page_alloc import folio_refcount, page_folio
from pagefault.mm.rmap import folio_mapcount


def wp_can_reuse_large_anon_folio(st, mm, pfn):
    own = 0
    for vpn in range(st.nr_vpns):
        pte = ptep_get(st, mm, vpn)
        if pte_present(pte) and page_folio(st, pte_pfn(pte)) == page_folio(st, pfn):
            own += 1
    if own <= 1:
        return 0
    return own == folio_mapcount(st, pfn) and own == folio_refcount(st, pfn)
