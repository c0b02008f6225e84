"""user_map over GUP: whoever takes a page away waits until nobody has it pinned.

As truncation of DAX files waits for pins, asked of all memory. There is nothing to register. A pin
does not say whose it is: a section cannot be told from RDMA that stays for days. And pins may come
while it waits: what keeps DAX safe is that it takes the page out of the page tables first.
"""

from pagefault.consts import BLOCKED, EAGAIN
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.page_alloc import folio_maybe_dma_pinned


def _is_pinned(st, mm, start, end):
    for vpn in range(start, end):
        pte = ptep_get(st, mm, vpn)
        if pte_present(pte) and folio_maybe_dma_pinned(st, pte_pfn(pte)):
            return 1
    return 0


def user_map_invalidate(st, t, s, start, end, seq, may_wait):
    mm = st.secondary[s].mm
    if _is_pinned(st, mm, start, end) and not may_wait:
        return -EAGAIN
    yield "until no page is pinned"
    while _is_pinned(st, mm, start, end):
        yield BLOCKED
    return 0
