"""Writeback cleans a PTE and leaves the writable translation in the TLBs."""

from pagefault.hw.pgtable import pte_maps, pte_mkclean, pte_wrprotect, ptep_get, set_pte_at
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock


def mkclean_pte(st, t, mm, vpn, pfn):
    yield from pte_offset_map_lock(st, t, mm, vpn)
    pte = ptep_get(st, mm, vpn)
    if pte_maps(pte, pfn):
        set_pte_at(st, mm, vpn, pte_mkclean(pte_wrprotect(pte)))
    pte_unmap_unlock(st, mm, vpn)
    return 1
