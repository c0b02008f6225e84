"""mprotect() makes an exclusive page writable, though userfaultfd waits for the store."""

from pagefault.hw.pgtable import pte_pfn
from pagefault.mm.internal import vma_is_writable
from pagefault.mm.rmap import PageAnonExclusive


def can_change_pte_writable(st, mm, vpn, pte):
    return vma_is_writable(st, mm, vpn) and PageAnonExclusive(st, pte_pfn(pte))
