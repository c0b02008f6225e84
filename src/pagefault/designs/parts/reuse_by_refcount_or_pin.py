"""A write fault reuses a page that may be pinned, and otherwise one with a single reference.

The second half of "pinning breaks COW, and what is pinned must not become COW again, the rest by
page count": Linus Torvalds on linux-mm, December 2021. Since a pin is only given for a page that
the process has to itself, and fork copies such a page, a pin says that nobody else maps it.
"""

from pagefault.mm.page_alloc import folio_refcount
from pagefault.mm.rmap import folio_needs_cow_for_dma

NOT_PROMISED = [
    "exclusive-if-pinned",
    "exclusive-if-writable",
    "exclusive-once",
    "exclusive-until-unpinned",
]


def wp_can_reuse_anon_folio(st, mm, pfn):
    return folio_refcount(st, pfn) == 1 or folio_needs_cow_for_dma(st, mm, pfn)


def SetPageAnonExclusive(st, pfn):
    """There is no such flag."""
