"""A swap PTE that is zapped still counts on its slot."""

from pagefault.hw.pgtable import ptep_get_and_clear


def zap_nonpresent_pte(st, mm, vpn):
    ptep_get_and_clear(st, mm, vpn)
