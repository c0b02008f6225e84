"""The locks of page tables. Models mm/pgtable-generic.c."""

from pagefault.consts import BLOCKED, BUG_NO_FREE_PTPAGE, BUG_UNLOCK, NR_PMD, PTRS_PER_PTE
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.pgtable import (
    huge_start,
    mk_pmd,
    pmd_has_table,
    pmd_index,
    pmd_mkinvalid,
    pmd_none,
    pmd_table,
    pmd_trans_huge,
    pmdp_get,
    set_pmd_at,
)
from pagefault.hw.tlb import flush_tlb_mm_range


def pte_lock_holder(st, mm, vpn):
    """Task + 1 that holds the split lock of the table that maps `vpn`; 0 if free or no table."""
    if not pmd_has_table(pmdp_get(st, mm, vpn)):
        return 0
    return st.ptpage[pmd_table(pmdp_get(st, mm, vpn))].ptl


def pte_offset_map_lock(st, t, mm, vpn):
    """mm/pgtable-generic.c __pte_offset_map_lock(), v6.12: 0 if there is no table."""
    yield "PTL"
    while pte_lock_holder(st, mm, vpn) != 0:
        yield BLOCKED
    if not pmd_has_table(pmdp_get(st, mm, vpn)):
        return 0
    st.ptpage[pmd_table(pmdp_get(st, mm, vpn))].ptl = t + 1
    return 1


def pte_unmap_unlock(st, mm, vpn):
    table = pmd_table(pmdp_get(st, mm, vpn))
    VM_BUG_ON(st, st.ptpage[table].ptl == 0, BUG_UNLOCK)
    st.ptpage[table].ptl = 0


def pmd_lock(st, t, mm):
    """include/linux/mm.h pmd_lock(), v6.12: the lock of PMDs that map huge pages, and of those that
    are about to. One page of PMDs is all that an address space has."""
    yield "PMD lock"
    while st.mm[mm].pmd_ptl:
        yield BLOCKED
    st.mm[mm].pmd_ptl = t + 1


def pmd_unlock(st, mm):
    VM_BUG_ON(st, not st.mm[mm].pmd_ptl, BUG_UNLOCK)
    st.mm[mm].pmd_ptl = 0


def pmd_trans_huge_lock(st, t, mm, vpn):
    """include/linux/huge_mm.h pmd_trans_huge_lock(), v6.12: 1 with the PMD lock held if a huge page
    is mapped, else 0."""
    if not pmd_trans_huge(pmdp_get(st, mm, vpn)):
        return 0
    yield from pmd_lock(st, t, mm)
    if pmd_trans_huge(pmdp_get(st, mm, vpn)):
        return 1
    pmd_unlock(st, mm)
    return 0


def lock_entry(st, t, mm, vpn):
    """mm/pagewalk.c walk_pmd_range(), v6.12, by who only looks: 1 with the lock of the leaf held,
    0 if there is none."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if locked:
        return 1
    return (yield from pte_offset_map_lock(st, t, mm, vpn))


def unlock_entry(st, mm, vpn):
    if pmd_trans_huge(pmdp_get(st, mm, vpn)):
        pmd_unlock(st, mm)
    else:
        pte_unmap_unlock(st, mm, vpn)


def pmdp_invalidate(st, t, mm, vpn):
    """mm/pgtable-generic.c pmdp_invalidate(), v6.12: from here on nobody can use the huge page by
    its PMD, nor change accessed and dirty in it. Returns the old PMD. Locks: PMD lock held."""
    orig_pmd = pmdp_get(st, mm, vpn)
    set_pmd_at(st, mm, vpn, pmd_mkinvalid(orig_pmd))
    start = huge_start(vpn)
    yield "PMD not present, TLB not flushed"
    yield from flush_tlb_mm_range(st, t, mm, start, start + PTRS_PER_PTE)
    return orig_pmd


def pmdp_collapse_flush(st, t, mm, vpn):
    """mm/pgtable-generic.c pmdp_collapse_flush(), v6.12: nobody finds the table any more, and no
    CPU can use what it has. Returns the PMD. Locks: PMD lock held."""
    orig_pmd = pmdp_get(st, mm, vpn)
    set_pmd_at(st, mm, vpn, 0)
    yield "PMD cleared, TLB not flushed"
    yield from flush_tlb_mm_range(st, t, mm, vpn, vpn + PTRS_PER_PTE)
    return orig_pmd


def pte_alloc_one(st, mm, vpn):
    """arch/x86/mm/pgtable.c pte_alloc_one(), v6.12: an empty page-table page for the PMD of
    `vpn`, which does not point to it yet.

    It has a number of its own where it can; the spare ones serve while that one is still queued to
    be freed.
    """
    table = mm * NR_PMD + pmd_index(vpn)
    if st.ptpage[table].in_use:
        table = st.nr_mms * NR_PMD
        while table < st.nr_ptpages and st.ptpage[table].in_use:
            table += 1
        if table >= st.nr_ptpages:
            VM_BUG_ON(st, 1, BUG_NO_FREE_PTPAGE)
            return mm * NR_PMD + pmd_index(vpn)
    st.ptpage[table].in_use = 1
    for i in range(PTRS_PER_PTE):
        st.ptpage[table].pte[i] = 0
    return table


def pte_alloc(st, mm, vpn):
    """include/linux/mm.h pte_alloc(), v6.12: make sure that a page table covers `vpn`."""
    if pmd_none(pmdp_get(st, mm, vpn)):
        set_pmd_at(st, mm, vpn, mk_pmd(pte_alloc_one(st, mm, vpn)))
