"""GUP for reading takes a copy-on-read fault on a page that is write-protected and shared.

gup_must_unshare() of Andrea Arcangeli's branch "aa" (2021): for every reference, FOLL_GET or
FOLL_PIN, judged by mapcount; with FOLL_MM_SYNC, here every long-term pin, the zero page as well.
"""

from pagefault.consts import FOLL_LONGTERM, FOLL_WRITE
from pagefault.mm.page_alloc import folio_test_anon


def gup_must_unshare(st, gup_flags, pfn):
    if gup_flags & FOLL_WRITE:
        return 0
    if not folio_test_anon(st, pfn):
        return gup_flags & FOLL_LONGTERM != 0
    return st.page[pfn].mapcount > 1
