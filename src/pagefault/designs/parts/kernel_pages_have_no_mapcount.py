"""A generic type for kernel memory in user space: it has a refcount, and no mapcount.

The "kmem memdesc" of the thread of December 2024; David Hildenbrand, 29 November 2024, as a page
type. Who maps takes a reference and is in no rmap.
"""

from pagefault.hw.monitor import observe_dangling
from pagefault.hw.pgtable import mk_pte, set_pte_at
from pagefault.mm.internal import vma_page_prot
from pagefault.mm.page_alloc import folio_get
from pagefault.mm.vmalloc import page_is_kmem


def page_has_mapcount(st, pfn):
    return not page_is_kmem(st, pfn)


def insert_page_into_pte_locked(st, mm, vpn, pfn):
    observe_dangling(st, st.folio[pfn].refcount == 0)
    folio_get(st, pfn)
    set_pte_at(st, mm, vpn, mk_pte(pfn, vma_page_prot(st, mm, vpn)))
