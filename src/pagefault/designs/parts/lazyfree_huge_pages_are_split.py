"""A huge page whose data may go is discarded page by page, after PTEs took the place of its PMD.

Up to 6.10. Since commit 735ecdfaf4e8 (6.11) by Lance Yang the PMD goes whole.
"""

from pagefault.mm.split_huge_page import split_huge_pmds


def unmap_huge_pmds(st, t, pfn):
    yield from split_huge_pmds(st, t, pfn)
