"""A kernel page has a reference count of 0, so that GUP-fast cannot take it.

It has no VMA to ask and no pointer from the page to its allocation, so it must find nothing to take
and leave the page to the slow path.
"""

from pagefault.mm.vmalloc import page_is_kmem


def folio_ref_is_frozen(st, pfn):
    return page_is_kmem(st, pfn)
