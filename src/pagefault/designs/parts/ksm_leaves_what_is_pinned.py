"""KSM neither makes a KSM page of a pinned page nor replaces one that it has write-protected.

Branch "aa" of Andrea Arcangeli (2021). Where there is no PageAnonExclusive, a pin for reading is
granted on a page that is read-only: between KSM's count of references and its replacement of the
page, too. It must be looked for once more.
"""

from pagefault.mm.page_alloc import folio_maybe_dma_pinned


def ksm_may_take(st, pfn):
    return not folio_maybe_dma_pinned(st, pfn)
