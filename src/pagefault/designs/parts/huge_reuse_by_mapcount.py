"""A write fault reuses a huge page when nobody else maps it, whoever holds references: up to 5.17.

mm/huge_memory.c do_huge_pmd_wp_page() by reuse_swap_page(): 5.9 changed the rule for small pages
alone, and commit 3bff7e3f1f16 (5.18) by David Hildenbrand that for huge ones.
"""

from pagefault.mm.rmap import folio_mapcount


def huge_folio_is_exclusive(st, pfn):
    return folio_mapcount(st, pfn) == 1
