"""An exclusive page is told by a page flag, that populating sets: the MAP_EXCLUSIVE RFC.

PG_user_exclusive, 27 October 2019. A page that populating GUP finds is flagged, taken out of the
direct map and flushed; what is faulted in later is ordinary memory.
"""

from pagefault.consts import FOLL_UNLOCKABLE, FOLL_WRITE, PG_SECRETMEM
from pagefault.hw.direct_map import flush_tlb_kernel_range, set_direct_map_invalid_noflush
from pagefault.mm.gup import __get_user_pages, gup_put_folio
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.page_alloc import page_folio


def mm_populate(st, t, mm, start, end):
    yield from mmap_read_lock(st, t, mm)
    for vpn in range(start, end):
        pfn = yield from __get_user_pages(st, t, mm, vpn, FOLL_WRITE | FOLL_UNLOCKABLE)
        if pfn >= 0:
            st.folio[page_folio(st, pfn)].pg_flags |= PG_SECRETMEM
            set_direct_map_invalid_noflush(st, pfn)
            yield "out of the direct map, not flushed"
            yield from flush_tlb_kernel_range(st, t, pfn)
            gup_put_folio(st, pfn, FOLL_WRITE)
    mmap_read_unlock(st, mm)
