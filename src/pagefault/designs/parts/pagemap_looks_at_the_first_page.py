"""pagemap says of every page of a huge page whether its first one is mapped exclusively.

fs/proc/task_mmu.c pagemap_pmd_range() up to 6.10, and again since 6.15 (David Hildenbrand's "remove
per-page mapcount dependency for PM_MMAP_EXCLUSIVE"), as runs on 6.1 and 6.18 show: where another
process has split its PMD and keeps some of the pages, PM_MMAP_EXCLUSIVE contradicts
/proc/kpagecount. 6.12 looks at each page.
"""

from pagefault.hw.pgtable import pmd_trans_huge, pmdp_get, pte_pfn, ptep_get
from pagefault.mm.page_alloc import page_folio
from pagefault.mm.rmap import folio_precise_page_mapcount


def pagemap_says_exclusive(st, mm, vpn):
    pfn = pte_pfn(ptep_get(st, mm, vpn))
    if pmd_trans_huge(pmdp_get(st, mm, vpn)):
        pfn = page_folio(st, pfn)
    return folio_precise_page_mapcount(st, pfn) == 1
