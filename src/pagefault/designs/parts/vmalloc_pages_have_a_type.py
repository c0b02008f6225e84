"""A page of vmalloc has a page type, and the mapcount's place says so.

Matthew Wilcox on linux-mm, 6 December 2024, option 1 needs one; David Hildenbrand, 29 November
2024, wants such a type, too. vm_insert_page() refuses any page with a type: drivers cannot map any
longer until it learns of this one.
"""

from pagefault.mm.vmalloc import page_is_kmem


def page_has_type(st, pfn):
    return page_is_kmem(st, pfn)
