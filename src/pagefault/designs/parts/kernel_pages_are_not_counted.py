"""A page of vmalloc has neither refcount nor mapcount: its allocation frees it, whoever has it.

Matthew Wilcox on linux-mm, 6 December 2024: what options 3 and 4 have in common. Everybody who
looks at a PTE by vm_normal_page() and takes what he finds for a folio must learn that it is none.
"""

from pagefault.hw.pgtable import mk_pte, set_pte_at
from pagefault.mm.internal import vma_page_prot
from pagefault.mm.page_alloc import free_unref_folio
from pagefault.mm.vmalloc import page_is_kmem


def page_is_counted(st, pfn):
    return not page_is_kmem(st, pfn)


def insert_page_into_pte_locked(st, mm, vpn, pfn):
    set_pte_at(st, mm, vpn, mk_pte(pfn, vma_page_prot(st, mm, vpn)))


def free_kernel_page(st, pfn):
    st.folio[pfn].refcount = 0
    free_unref_folio(st, pfn)
