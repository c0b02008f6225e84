"""GUP-fast takes no anonymous page that is not swap-backed, and leaves it to the slow path.

Nobody proposed it: all that GUP-fast could tell droppable memory by without a new page flag. Cost:
what MADV_FREE has marked takes the slow path, too.
"""

from pagefault.mm.page_alloc import folio_test_anon, folio_test_swapbacked


def gup_fast_folio_allowed(st, pfn, gup_flags):
    return folio_test_swapbacked(st, pfn) or not folio_test_anon(st, pfn)
