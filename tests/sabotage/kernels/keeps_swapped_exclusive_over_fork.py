"""fork() shares a slot in swap and leaves the swap PTEs exclusive."""

from pagefault.hw.pgtable import pte_to_swp_entry, ptep_get, set_pte_at
from pagefault.mm.swapfile import swap_duplicate


def copy_nonpresent_pte(st, mm, child_mm, vpn):
    pte = ptep_get(st, mm, vpn)
    swap_duplicate(st, pte_to_swp_entry(pte))
    set_pte_at(st, child_mm, vpn, pte)
