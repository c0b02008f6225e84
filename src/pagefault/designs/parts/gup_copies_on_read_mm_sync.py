"""GUP's copy-on-read with FOLL_MM_SYNC: a long-term pin for reading gets a page of its own, too.

As gup-copies-on-read; FOLL_MM_SYNC, here every long-term pin, unshares the zero page, pages of
files and KSM's as well, so that no user has to ask for FOLL_FORCE | FOLL_WRITE. Branch "aa" (2021).
"""

from pagefault.consts import FOLL_LONGTERM, FOLL_WRITE
from pagefault.mm.page_alloc import folio_test_anon, folio_test_ksm
from pagefault.mm.rmap import folio_precise_page_mapcount


def gup_must_unshare(st, gup_flags, pfn):
    if gup_flags & FOLL_WRITE:
        return 0
    if not folio_test_anon(st, pfn) or folio_test_ksm(st, pfn):
        if gup_flags & FOLL_LONGTERM:
            return 1
    return folio_test_anon(st, pfn) and folio_precise_page_mapcount(st, pfn) > 1
