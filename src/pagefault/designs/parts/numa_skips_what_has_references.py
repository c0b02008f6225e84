"""No NUMA hint for an anonymous page with more than one reference: 5.17 to 6.9.

Commit 80d47f5de5e3 by Linus Torvalds, after a report of corruption under an accelerator's pins;
since 6.10, commit d2136d749d76 by Baolin Wang, what may be pinned or others map is skipped.
"""

from pagefault.mm.page_alloc import folio_refcount


def numa_skips_folio(st, pfn):
    return folio_refcount(st, pfn) != 1
