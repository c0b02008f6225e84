"""Pages move out of the way, so that what is free lies together. Models mm/compaction.c.

Nobody asks whose page it is. What cannot move anyway is not isolated, as far as one can tell
without a lock. Left out: zones, page blocks and which of them are skipped; the asynchronous modes,
which isolate nothing dirty or under writeback that they would have to wait for; pages that nobody
maps; pages of drivers (movable_ops).
"""

from pagefault.consts import NR_VPN
from pagefault.hw.choice import choose
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.migrate import folio_has_lru, folio_in_cache, isolate_folio
from pagefault.mm.move_pages import migrate_pages
from pagefault.mm.page_alloc import folio_get, folio_put, folio_test_large
from pagefault.mm.rmap import folio_mapcount, rmap_walk


def sys_compact(st, t):
    """mm/compaction.c compact_node(), v6.12, of all memory (MIGRATE_SYNC): 0. No mmap_lock is
    taken. Left out: that pages move by batches; a folio is met by the first PTE that maps it."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if is_in_the_way(st, mm, vpn):
                pfn = yield from isolate_migratepages_block(st, t, mm, vpn)
                if pfn:
                    yield "isolated for compaction, folio not locked"
                    yield from migrate_pages(st, t, pfn)
    return 0


def is_in_the_way(st, mm, vpn):
    """mm/compaction.c isolate_migratepages(), v6.12: whether a folio lies where the scanner for
    pages comes by before it meets the scanner for free ones. Huge pages are as large as a block,
    and stay (skip_isolation_on_order()); what is on no LRU list does, too."""
    pte = ptep_get(st, mm, vpn)
    if not pte_present(pte) or not vm_normal_page(pte) or folio_test_large(st, pte_pfn(pte)):
        return 0
    if not folio_has_lru(st, pte_pfn(pte)):
        return 0
    return rmap_walk(st, pte_pfn(pte)) == mm * NR_VPN + vpn and choose(st, 2)


def compaction_skips_folio(st, pfn):
    """The question of isolate_migratepages_block(), v6.12: somebody besides the page tables and the
    caller refers to a folio that no cache has. It could not move, so it is left alone (since 3.15,
    commit 119d6d59dcc0). Nothing is locked, so that the answer may be wrong."""
    return not folio_in_cache(st, pfn) and st.folio[pfn].refcount - 1 > folio_mapcount(st, pfn)


def isolate_migratepages_block(st, t, mm, vpn):
    """mm/compaction.c isolate_migratepages_block(), v6.12, of one folio: its frame, with a
    reference, or 0. The reference is there before anything is asked, and others may count it."""
    pfn = pte_pfn(ptep_get(st, mm, vpn))
    folio_get(st, pfn)
    yield "has a reference, not isolated yet"
    isolated = not compaction_skips_folio(st, pfn) and isolate_folio(st, pfn)
    folio_put(st, pfn)
    if isolated:
        return pfn
    return 0
