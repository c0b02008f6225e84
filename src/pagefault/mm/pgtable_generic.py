"""Page tables come to be, and their lock. Models mm/pgtable-generic.c."""

from pagefault.consts import BLOCKED, BUG_NO_FREE_PTPAGE, BUG_UNLOCK, NR_PMD, PTRS_PER_PTE
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.pgtable import mk_pmd, pmd_index, pmd_none, pmd_table, pmdp_get


def pte_alloc(st, mm, vpn):
    """include/linux/mm.h pte_alloc(), v6.12: make sure that a page table covers `vpn`."""
    if not pmd_none(pmdp_get(st, mm, vpn)):
        return
    # A table has a number of its own where it can; the spare ones serve while that one is still
    # queued to be freed.
    table = mm * NR_PMD + pmd_index(vpn)
    if st.ptpage[table].in_use:
        table = st.nr_mms * NR_PMD
        while table < st.nr_ptpages and st.ptpage[table].in_use:
            table += 1
        if table >= st.nr_ptpages:
            VM_BUG_ON(st, 1, BUG_NO_FREE_PTPAGE)
            return
    st.ptpage[table].in_use = 1
    for i in range(PTRS_PER_PTE):
        st.ptpage[table].pte[i] = 0
    st.mm[mm].pmd[pmd_index(vpn)] = mk_pmd(table)


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
