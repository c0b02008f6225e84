"""The slow path of GUP takes no kernel page: it is no folio."""

from pagefault.hw.pgtable import pte_pfn
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.page_alloc import is_zero_pfn
from pagefault.mm.vmalloc import page_is_kmem


def follow_may_take(st, pte):
    if page_is_kmem(st, pte_pfn(pte)):
        return 0
    return vm_normal_page(pte) or is_zero_pfn(pte_pfn(pte))
