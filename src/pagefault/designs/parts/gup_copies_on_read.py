"""GUP for reading takes a copy-on-read fault on a page that is write-protected and shared.

gup_must_unshare() of Andrea Arcangeli's branch "aa" (2021): for every reference, FOLL_GET or
FOLL_PIN, judged by mapcount, KSM pages too. The zero page and file pages are taken as they are.
"""

from pagefault.consts import FOLL_WRITE
from pagefault.mm.page_alloc import folio_test_anon
from pagefault.mm.rmap import folio_precise_page_mapcount


def gup_must_unshare(st, gup_flags, pfn):
    if gup_flags & FOLL_WRITE or not folio_test_anon(st, pfn):
        return 0
    return folio_precise_page_mapcount(st, pfn) > 1
