"""fork copies each page that may be pinned, shared already or not: 5.9 to 5.18.

Commit 70e806e4e645 by Peter Xu (page_needs_cow_for_dma()), before PageAnonExclusive.
"""

from pagefault.mm.rmap import folio_needs_cow_for_dma


def folio_must_copy_at_fork(st, mm, pfn):
    return folio_needs_cow_for_dma(st, mm, pfn)
