"""The lock of a page table. Models mm/pgtable-generic.c."""

from pagefault.consts import BLOCKED, BUG_UNLOCK
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.pgtable import pmd_none, pmd_table, pmdp_get


def pte_lock_holder(st, mm, vpn):
    """Task + 1 that holds the split lock of the table that maps `vpn`; 0 if free or no table."""
    if pmd_none(pmdp_get(st, mm, vpn)):
        return 0
    return st.ptpage[pmd_table(pmdp_get(st, mm, vpn))].ptl


def pte_offset_map_lock(st, t, mm, vpn):
    """mm/pgtable-generic.c __pte_offset_map_lock(), v6.12: 0 if there is no table."""
    yield "PTL"
    while pte_lock_holder(st, mm, vpn) != 0:
        yield BLOCKED
    if pmd_none(pmdp_get(st, mm, vpn)):
        return 0
    st.ptpage[pmd_table(pmdp_get(st, mm, vpn))].ptl = t + 1
    return 1


def pte_unmap_unlock(st, mm, vpn):
    table = pmd_table(pmdp_get(st, mm, vpn))
    VM_BUG_ON(st, st.ptpage[table].ptl == 0, BUG_UNLOCK)
    st.ptpage[table].ptl = 0
