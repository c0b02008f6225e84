"""Page tables and their entries. Models arch/x86/include/asm/pgtable.h and include/linux/pgtable.h.

A PTE is one packed integer: PAGE_* bits below PFN_SHIFT, the pfn above. It has to be one, since a
value that lives across a switch point must fit a register. A PMD that points to a table holds the
index of the page-table page where a leaf holds the pfn. A PMD that maps a huge page (PAGE_PSE) is a
leaf: the same bits as a PTE's, and the pfn of the first of PTRS_PER_PTE pages.
"""

from pagefault.consts import (
    PAGE_ACCESSED,
    PAGE_DIRTY,
    PAGE_MARKER,
    PAGE_MIGRATION,
    PAGE_PRESENT,
    PAGE_PROTNONE,
    PAGE_PSE,
    PAGE_RW,
    PAGE_SOFT_DIRTY,
    PAGE_SPECIAL,
    PAGE_SWAP,
    PAGE_SWP_EXCLUSIVE,
    PAGE_TABLE,
    PAGE_UFFD_WP,
    PFN_SHIFT,
    PTRS_PER_PTE,
)

HPAGE_MASK = ~(PTRS_PER_PTE - 1)


def mk_pte(pfn, prot):
    """A PTE that maps `pfn` with the PAGE_* bits of `prot`."""
    return (pfn << PFN_SHIFT) | prot


def pte_pfn(pte):
    return pte >> PFN_SHIFT


def pte_none(pte):
    return pte == 0


def pte_present(pte):
    """There is a page behind the entry, though with PROT_NONE the hardware cannot use it."""
    return pte & (PAGE_PRESENT | PAGE_PROTNONE) != 0


def pte_write(pte):
    return pte & PAGE_RW != 0


def pte_dirty(pte):
    return pte & PAGE_DIRTY != 0


def pte_special(pte):
    return pte & PAGE_SPECIAL != 0


def pte_protnone(pte):
    return pte & PAGE_PROTNONE != 0


def pte_mkwrite(pte):
    return pte | PAGE_RW


def pte_wrprotect(pte):
    return pte & ~PAGE_RW


def pte_mkdirty(pte):
    """The kernel makes an entry dirty on behalf of a write: soft-dirty as well. The hardware sets
    its own bit alone."""
    return pte | PAGE_DIRTY | PAGE_SOFT_DIRTY


def pte_mkclean(pte):
    """arch/x86/include/asm/pgtable.h pte_mkclean(), v6.12. soft-dirty stays."""
    return pte & ~PAGE_DIRTY


def pte_young(pte):
    return pte & PAGE_ACCESSED != 0


def pte_soft_dirty(pte):
    return pte & PAGE_SOFT_DIRTY != 0


def pte_mksoft_dirty(pte):
    return pte | PAGE_SOFT_DIRTY


def pte_clear_soft_dirty(pte):
    return pte & ~PAGE_SOFT_DIRTY


def pte_uffd_wp(pte):
    return pte & PAGE_UFFD_WP != 0


def pte_mkuffd_wp(pte):
    """arch/x86/include/asm/pgtable.h pte_mkuffd_wp(), v6.12: never writable (since 6.2)."""
    return pte_wrprotect(pte | PAGE_UFFD_WP)


def pte_clear_uffd_wp(pte):
    return pte & ~PAGE_UFFD_WP


def pte_mkyoung(pte):
    return pte | PAGE_ACCESSED


def pte_mkold(pte):
    return pte & ~PAGE_ACCESSED


def pte_maps(pte, pfn):
    """The entry is present and maps this page."""
    return pte_present(pte) and pte_pfn(pte) == pfn


def swp_entry_to_pte(slot, pteval):
    """A swap PTE that names `slot`, with the tracking bits of the present one before it."""
    return (slot << PFN_SHIFT) | PAGE_SWAP | (pteval & (PAGE_SOFT_DIRTY | PAGE_UFFD_WP))


def is_swap_pte(pte):
    return pte & PAGE_SWAP != 0


def is_pte_marker(pte):
    """include/linux/swapops.h is_pte_marker() and is_hwpoison_entry(), v6.12: no page, but that it
    was poisoned."""
    return pte & PAGE_MARKER != 0


def pte_to_swp_entry(pte):
    """The slot that a swap PTE names."""
    return pte >> PFN_SHIFT


def pte_swp_exclusive(pte):
    """The page was anon-exclusive when it was swapped out, and nobody shares the slot since."""
    return pte & PAGE_SWP_EXCLUSIVE != 0


def pte_swp_mkexclusive(pte):
    return pte | PAGE_SWP_EXCLUSIVE


def pte_swp_clear_exclusive(pte):
    return pte & ~PAGE_SWP_EXCLUSIVE


def make_migration_entry(pte, exclusive):
    """include/linux/swapops.h make_writable_migration_entry(), make_readable_exclusive_... and
    make_readable_migration_entry(), v6.12: what stands for a present entry while its page moves,
    with the accessed, dirty and tracking bits of that."""
    kept = PAGE_RW | PAGE_ACCESSED | PAGE_DIRTY | PAGE_SOFT_DIRTY | PAGE_UFFD_WP
    entry = mk_pte(pte_pfn(pte), PAGE_MIGRATION | (pte & kept))
    if exclusive and not pte_write(pte):
        entry |= PAGE_SWP_EXCLUSIVE
    return entry


def is_migration_entry(pte):
    return pte & PAGE_MIGRATION != 0


def is_writable_migration_entry(pte):
    return pte & PAGE_MIGRATION != 0 and pte & PAGE_RW != 0


def is_readable_migration_entry(pte):
    """The page was shared: neither writable nor anon-exclusive."""
    return pte & PAGE_MIGRATION != 0 and pte & (PAGE_RW | PAGE_SWP_EXCLUSIVE) == 0


def make_readable_exclusive_migration_entry(pte):
    """Of a writable one: the page stays anon-exclusive, and comes back read-only."""
    return (pte & ~PAGE_RW) | PAGE_SWP_EXCLUSIVE


def make_readable_migration_entry(pte):
    return pte & ~(PAGE_RW | PAGE_SWP_EXCLUSIVE)


def pmd_none(pmd):
    return pmd == 0


def pmd_table(pmd):
    """The page-table page that a PMD points to."""
    return pmd >> PFN_SHIFT


def mk_pmd(table):
    """A PMD that points to a page-table page."""
    return (table << PFN_SHIFT) | PAGE_TABLE


def pmd_has_table(pmd):
    """The PMD points to a page table."""
    return pmd & PAGE_TABLE != 0


def pmd_trans_huge(pmd):
    """arch/x86/include/asm/pgtable.h pmd_trans_huge(), v6.12: the PMD maps a huge page itself, also
    while it is being changed and not present."""
    return pmd & PAGE_PSE != 0


def mk_huge_pmd(pfn, prot):
    """A PMD that maps the PTRS_PER_PTE pages from `pfn` on."""
    return mk_pte(pfn, prot | PAGE_PSE)


def pmd_mkinvalid(pmd):
    """arch/x86/include/asm/pgtable.h pmd_mkinvalid(), v6.12: nobody can use it, and it is not none
    either."""
    return pmd & ~(PAGE_PRESENT | PAGE_PROTNONE)


def huge_pmd_pte(pmd, vpn):
    """The entry that one page of a huge page would have in a page table."""
    if pte_special(pmd):  # the huge zero page, which is the zero page over and over
        return pmd & ~PAGE_PSE
    return (pmd & ~PAGE_PSE) + (pte_index(vpn) << PFN_SHIFT)


def pmd_index(vpn):
    return vpn // PTRS_PER_PTE


def huge_start(vpn):
    """The first page of the huge page that `vpn` would be in."""
    return vpn & HPAGE_MASK


def pte_index(vpn):
    return vpn % PTRS_PER_PTE


def pmdp_get(st, mm, vpn):
    return st.mm[mm].pmd[pmd_index(vpn)]


def ptep_get(st, mm, vpn):
    """The entry that maps `vpn`, 0 where there is none or no table. Of a huge page what the PMD
    says of this page of it."""
    pmd = pmdp_get(st, mm, vpn)
    if pmd_none(pmd):
        return 0
    if pmd_trans_huge(pmd):
        return huge_pmd_pte(pmd, vpn)
    return st.ptpage[pmd_table(pmd)].pte[pte_index(vpn)]


def set_pte_at(st, mm, vpn, pte):
    """Write the entry. The table must be there."""
    st.ptpage[pmd_table(pmdp_get(st, mm, vpn))].pte[pte_index(vpn)] = pte


def set_pmd_at(st, mm, vpn, pmd):
    st.mm[mm].pmd[pmd_index(vpn)] = pmd


def walk_sets_bits(st, mm, vpn, pte):
    """The hardware's walk has found `pte`, and set accessed and dirty in it: in the PMD, if that is
    the leaf."""
    pmd = pmdp_get(st, mm, vpn)
    if pmd_trans_huge(pmd):
        set_pmd_at(st, mm, vpn, pmd | (pte & (PAGE_ACCESSED | PAGE_DIRTY)))
    else:
        set_pte_at(st, mm, vpn, pte)


def ptep_get_and_clear(st, mm, vpn):
    """Take the entry out, atomically against the hardware's accessed and dirty updates."""
    pte = ptep_get(st, mm, vpn)
    if pte != 0:
        set_pte_at(st, mm, vpn, 0)
    return pte


def ptep_set_wrprotect(st, mm, vpn):
    set_pte_at(st, mm, vpn, pte_wrprotect(ptep_get(st, mm, vpn)))
