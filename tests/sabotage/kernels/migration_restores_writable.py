"""A page that has moved is writable if its VMA is, though userfaultfd protects it.

As for memory whose vm_page_prot is writable, up to 6.1, before commit f1eb1bacfba9: shared memory,
which is not modelled.
"""

from pagefault.hw.pgtable import mk_pte
from pagefault.mm.internal import maybe_mkwrite, vma_page_prot


def restored_pte(st, mm, vpn, entry, new_pfn):
    return maybe_mkwrite(st, mm, vpn, mk_pte(new_pfn, vma_page_prot(st, mm, vpn)))
