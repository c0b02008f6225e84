"""A huge page is split, and its PTEs have one reference together."""

from pagefault.consts import PTRS_PER_PTE
from pagefault.mm.rmap import PageAnonExclusive, folio_add_anon_rmap_pte, folio_remove_rmap_pmd


def split_huge_rmap(st, pfn):
    anon_exclusive = PageAnonExclusive(st, pfn)
    for page_pfn in range(pfn, pfn + PTRS_PER_PTE):
        folio_add_anon_rmap_pte(st, page_pfn, anon_exclusive)
    folio_remove_rmap_pmd(st, pfn)
