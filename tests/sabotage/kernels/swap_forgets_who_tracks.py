"""What comes back from swap is writable at once, though userfaultfd or clear_refs wants to know."""

from pagefault.consts import FAULT_FLAG_WRITE
from pagefault.hw.pgtable import mk_pte, pte_mkdirty, pte_mkwrite, set_pte_at
from pagefault.mm.internal import vma_is_writable, vma_page_prot
from pagefault.mm.rmap import folio_add_anon_rmap_pte


def set_swapped_in_pte(st, mm, vpn, pfn, exclusive, fault_flags):
    pte = mk_pte(pfn, vma_page_prot(st, mm, vpn))
    if exclusive and vma_is_writable(st, mm, vpn):
        pte = pte_mkwrite(pte)
        if fault_flags & FAULT_FLAG_WRITE:
            pte = pte_mkdirty(pte)
    folio_add_anon_rmap_pte(st, pfn, exclusive)
    set_pte_at(st, mm, vpn, pte)
