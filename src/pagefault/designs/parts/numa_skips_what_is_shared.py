"""No NUMA hint for an anonymous page that others map; pins are not looked at: up to 5.16.

Before commit 80d47f5de5e3.
"""

from pagefault.mm.rmap import folio_precise_page_mapcount


def numa_skips_folio(st, pfn):
    return folio_precise_page_mapcount(st, pfn) != 1
