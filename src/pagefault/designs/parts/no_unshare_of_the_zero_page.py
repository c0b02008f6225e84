"""A pin for reading unshares anonymous pages only: 5.19 to 6.1, before commit 84209e87c696."""

from pagefault.consts import FOLL_PIN, FOLL_WRITE
from pagefault.mm.page_alloc import folio_test_anon
from pagefault.mm.rmap import PageAnonExclusive


def gup_must_unshare(st, gup_flags, pfn):
    if gup_flags & (FOLL_WRITE | FOLL_PIN) != FOLL_PIN or not folio_test_anon(st, pfn):
        return 0
    return not PageAnonExclusive(st, pfn)
