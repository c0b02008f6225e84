"""munmap() and the like leave counts of a kernel page alone: it is no folio."""

from pagefault.hw.pgtable import pte_pfn
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.vmalloc import page_is_kmem


def zap_finds_folio(st, pte):
    return vm_normal_page(pte) and not page_is_kmem(st, pte_pfn(pte))
