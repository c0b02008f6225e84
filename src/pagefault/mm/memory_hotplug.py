"""A block of memory goes out of use: what stands there has to move. Models mm/memory_hotplug.c.

Of the block one frame is looked at. Left out: frames that come back, the free ones of the block.
"""

from pagefault.consts import EBUSY, EFAULT, EINTR
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.migrate import folio_has_lru, isolate_folio
from pagefault.mm.move_pages import migrate_pages
from pagefault.mm.page_alloc import folio_get, folio_put, is_zero_pfn, page_folio


def has_unmovable_pages(st, pte):
    """mm/page_isolation.c has_unmovable_pages(), v6.12: the frame is on no LRU list, so that nobody
    will try. A secret page is on one, of what is not evicted."""
    pfn = pte_pfn(pte)
    return is_zero_pfn(pfn) or not vm_normal_page(pte) or not folio_has_lru(st, pfn)


def sys_offline(st, t, vpn):
    """mm/memory_hotplug.c offline_pages(), v6.12, of the block where a page's frame lies: 0 when it
    is empty, -EBUSY where that cannot be. As long as something stays it tries again until who asked
    gives up: -EINTR. A large folio goes whole. Left out: all tries but the first."""
    pte = ptep_get(st, st.task[t].mm, vpn)
    if not pte_present(pte):
        return -EFAULT
    if has_unmovable_pages(st, pte):
        return -EBUSY
    return (yield from do_migrate_range(st, t, page_folio(st, pte_pfn(pte))))


def do_migrate_range(st, t, pfn):
    """mm/memory_hotplug.c do_migrate_range(), v6.12, of one frame that is in use."""
    folio_get(st, pfn)
    yield "has a reference, not isolated yet"
    isolated = isolate_folio(st, pfn)
    folio_put(st, pfn)
    if isolated:
        yield "isolated for offlining, folio not locked"
        ret = yield from migrate_pages(st, t, pfn)
        if ret == 0:
            return 0
    return -EINTR
