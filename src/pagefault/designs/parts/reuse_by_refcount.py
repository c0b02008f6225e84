"""A write fault reuses an anonymous page when nobody else holds a reference to it.

Linux 5.9 to 5.17, commit 09854ba94c6a by Linus Torvalds. A pin is a reference, too, and so is the
swap cache's: a page in it is always copied.
"""

from pagefault.mm.page_alloc import folio_refcount

NOT_PROMISED = [
    "exclusive-if-pinned",
    "exclusive-if-writable",
    "exclusive-once",
    "exclusive-until-unpinned",
]


def wp_can_reuse_anon_folio(st, mm, pfn):
    return folio_refcount(st, pfn) == 1


def SetPageAnonExclusive(st, pfn):
    """There is no such flag yet."""
