"""A swap PTE that is zapped counts twice."""

from pagefault.hw.pgtable import pte_to_swp_entry, ptep_get_and_clear
from pagefault.mm.swap_state import free_swap_and_cache


def zap_nonpresent_pte(st, mm, vpn):
    pte = ptep_get_and_clear(st, mm, vpn)
    free_swap_and_cache(st, pte_to_swp_entry(pte))
    free_swap_and_cache(st, pte_to_swp_entry(pte))
