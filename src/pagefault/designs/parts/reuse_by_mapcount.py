"""A write fault reuses an anonymous page when no other PTE maps it.

mm/swapfile.c reuse_swap_page() up to 5.8; swap PTEs count. References from GUP are not looked at:
whoever holds one sees the write. The folio is locked meanwhile: a write fault waits for reclaim.
"""

from pagefault.consts import PTRS_PER_PTE
from pagefault.mm.page_alloc import folio_test_large, page_folio
from pagefault.mm.rmap import folio_precise_page_mapcount
from pagefault.mm.swap_state import folio_free_swap, folio_swapcount

NOT_PROMISED = [
    "exclusive-if-pinned",
    "exclusive-if-writable",
    "exclusive-once",
    "exclusive-until-unpinned",
]


def wp_can_reuse_anon_folio(st, mm, pfn):
    if folio_test_large(st, pfn):
        return wp_can_reuse_large_anon_folio(st, mm, pfn)
    if st.page[pfn].mapcount + folio_swapcount(st, pfn) != 1:
        return 0
    folio_free_swap(st, pfn)
    return 1


def wp_can_reuse_large_anon_folio(st, mm, pfn):
    """page_trans_huge_mapcount(): no page of it is mapped twice."""
    head_pfn = page_folio(st, pfn)
    for page_pfn in range(head_pfn, head_pfn + PTRS_PER_PTE):
        if folio_precise_page_mapcount(st, page_pfn) > 1:
            return 0
    return 1


def wp_waits_for_folio_lock():
    return 1


def SetPageAnonExclusive(st, pfn):
    """There is no such flag yet."""
