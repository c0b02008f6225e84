"""mprotect(). Models mm/mprotect.c."""

from pagefault.consts import (
    EACCES,
    EINVAL,
    ENOMEM,
    EPERM,
    MM_CP_PROT_NUMA,
    MM_CP_TRY_CHANGE_WRITABLE,
    MM_CP_UFFD_WP,
    MM_CP_UFFD_WP_RESOLVE,
    PAGE_PRESENT,
    PAGE_PROTNONE,
    PAGE_RW,
    PTRS_PER_PTE,
    VM_MAYWRITE,
    VM_READ,
    VM_WRITE,
)
from pagefault.hw.monitor import check_revoked, note_protected, note_revoked, note_uffd_wp
from pagefault.hw.pgtable import (
    is_writable_migration_entry,
    make_readable_exclusive_migration_entry,
    make_readable_migration_entry,
    pmd_has_table,
    pmd_index,
    pmd_none,
    pmd_trans_huge,
    pmdp_get,
    pte_clear_uffd_wp,
    pte_mkuffd_wp,
    pte_mkwrite,
    pte_none,
    pte_pfn,
    pte_present,
    pte_protnone,
    pte_write,
    ptep_get,
    set_pte_at,
)
from pagefault.mm.driver import split_vmas
from pagefault.mm.huge_memory import change_or_split_huge_pmd, vma_adjust_trans_huge
from pagefault.mm.internal import (
    can_change_pte_writable,
    numa_saved_write,
    pte_modify,
    pte_needs_flush,
    vm_normal_page,
    vma_page_prot,
)
from pagefault.mm.mmap import calc_vm_prot_bits
from pagefault.mm.mmap_lock import mmap_write_lock, mmap_write_unlock
from pagefault.mm.mmu_gather import tlb_finish_mmu, tlb_gather_mmu, tlb_track_range
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.mseal import can_modify_vma
from pagefault.mm.page_alloc import folio_maybe_dma_pinned, folio_test_anon
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import flush_tlb_batched_pending, folio_precise_page_mapcount
from pagefault.mm.vma import vma_end, vma_merge


def change_uffd_wp(st, mm, vpn, pte, cp_flags):
    """What UFFDIO_WRITEPROTECT does to an entry."""
    if cp_flags & (MM_CP_UFFD_WP | MM_CP_UFFD_WP_RESOLVE):
        note_uffd_wp(st, mm, vpn, cp_flags & MM_CP_UFFD_WP)
    if cp_flags & MM_CP_UFFD_WP:
        return pte_mkuffd_wp(pte)
    if cp_flags & MM_CP_UFFD_WP_RESOLVE:
        return pte_clear_uffd_wp(pte)
    return pte


def numa_skips_folio(st, pfn):
    """The question of change_pte_range(), v6.12: no NUMA hint for a page that cannot move, since it
    may be pinned or others map it. By page_count 5.17 (commit 80d47f5de5e3) to 6.1."""
    return folio_maybe_dma_pinned(st, pfn) or folio_precise_page_mapcount(st, pfn) > 1


def numa_skips_pte(st, pte):
    """mm/mprotect.c change_pte_range(), v6.12, for a NUMA hint. Left out: nodes, tiers, files."""
    return pte_protnone(pte) or not vm_normal_page(pte) or numa_skips_folio(st, pte_pfn(pte))


def new_prot(st, mm, vpn, old_pte, cp_flags):
    """The protection that change_protection() was called for."""
    if cp_flags & MM_CP_PROT_NUMA:
        return PAGE_PROTNONE | numa_saved_write(old_pte)
    return vma_page_prot(st, mm, vpn) & (PAGE_PRESENT | PAGE_PROTNONE | PAGE_RW)


def change_present_pte(st, t, mm, vpn, cp_flags):
    """One PTE of change_pte_range(). Entries that lose a right must be flushed."""
    old_pte = ptep_get(st, mm, vpn)
    if cp_flags & MM_CP_PROT_NUMA and numa_skips_pte(st, old_pte):
        return
    pte = pte_modify(old_pte, new_prot(st, mm, vpn, old_pte, cp_flags))
    pte = change_uffd_wp(st, mm, vpn, pte, cp_flags)
    if cp_flags & MM_CP_TRY_CHANGE_WRITABLE and not pte_write(pte):
        if can_change_pte_writable(st, mm, vpn, pte):
            pte = pte_mkwrite(pte)
    set_pte_at(st, mm, vpn, pte)
    if pte_needs_flush(old_pte, pte):
        tlb_track_range(st, t, vpn)
    note_revoked(st, t, mm, vpn)


def change_nonpresent_pte(st, mm, vpn, cp_flags):
    """A swap PTE or migration entry of change_pte_range(). A page that migrates is not writable
    when it has arrived: a fault will see what the VMA allows."""
    pte = ptep_get(st, mm, vpn)
    if is_writable_migration_entry(pte):
        if folio_test_anon(st, pte_pfn(pte)):
            pte = make_readable_exclusive_migration_entry(pte)
        else:
            pte = make_readable_migration_entry(pte)
    set_pte_at(st, mm, vpn, change_uffd_wp(st, mm, vpn, pte, cp_flags))


def change_pte_range(st, t, mm, start, end, cp_flags):
    """mm/mprotect.c change_pte_range(), v6.12, table by table. The flush comes later, without the
    PTL and before mmap_lock is released."""
    vpn = start
    while vpn < end:
        table_end = min(end, (pmd_index(vpn) + 1) * PTRS_PER_PTE)
        if pmd_trans_huge(pmdp_get(st, mm, vpn)):
            yield from change_or_split_huge_pmd(st, t, mm, vpn, table_end, cp_flags)
        locked = 0
        if pmd_has_table(pmdp_get(st, mm, vpn)):
            locked = yield from pte_offset_map_lock(st, t, mm, vpn)
        if locked:
            yield from flush_tlb_batched_pending(st, t, mm)
            for i in range(vpn, table_end):
                pte = ptep_get(st, mm, i)
                if pte_present(pte):
                    change_present_pte(st, t, mm, i, cp_flags)
                elif not pte_none(pte):
                    change_nonpresent_pte(st, mm, i, cp_flags)
            pte_unmap_unlock(st, mm, vpn)
        vpn = table_end


def change_protection(st, t, mm, start, end, cp_flags):
    """mm/mprotect.c change_protection(), v6.12: notifiers are told from the first table on, if
    there is one. They may map again before the TLBs are flushed: what they find has the new rights.
    Locks: mmap_lock held."""
    vpn = start
    while vpn < end and pmd_none(pmdp_get(st, mm, vpn)):
        vpn += 1
    if vpn < end:
        yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, end)
        yield from change_pte_range(st, t, mm, vpn, end, cp_flags)
        yield from mmu_notifier_invalidate_range_end(st, t, mm)


def mprotect_fixup(st, t, mm, start, end, prot):
    """mm/mprotect.c mprotect_fixup(), v6.12, of one VMA. Nothing is touched if its rights stay.

    Returns 0, -EPERM of what is sealed, -EACCES for what must never be written (VM_MAYWRITE),
    -EINVAL where a driver does not let its VMA be split. Left out: VMAs that merge become
    soft-dirty or clean as the first one is (up to 6.18).
    """
    if not can_modify_vma(st, mm, start):
        return -EPERM
    vm_flags = calc_vm_prot_bits(prot)
    if vm_flags & VM_WRITE and not st.mm[mm].vma[start].vm_flags & VM_MAYWRITE:
        return -EACCES
    if st.mm[mm].vma[start].vm_flags & (VM_READ | VM_WRITE) == vm_flags:
        return 0
    if split_vmas(st, mm, start, end) != 0:
        return -EINVAL
    yield from vma_adjust_trans_huge(st, t, mm, start, end)
    for vpn in range(start, end):
        rest = st.mm[mm].vma[vpn].vm_flags & ~(VM_READ | VM_WRITE)
        st.mm[mm].vma[vpn].vm_flags = rest | vm_flags
    vma_merge(st, mm, start, end)
    yield from change_protection(st, t, mm, start, end, MM_CP_TRY_CHANGE_WRITABLE)
    note_protected(st, t, mm, start, end)
    return 0


def sys_mprotect(st, t, start, end, prot):
    """mm/mprotect.c do_mprotect_pkey(), v6.12: 0, or -ENOMEM where nothing is mapped. The VMAs
    before the first hole have been changed by then."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    vpn = start
    ret = 0
    if vma_end(st, mm, start, end) > start:
        tlb_gather_mmu(st, t, mm)
        while ret == 0 and vma_end(st, mm, vpn, end) > vpn:
            next_vpn = vma_end(st, mm, vpn, end)
            ret = yield from mprotect_fixup(st, t, mm, vpn, next_vpn, prot)
            vpn = next_vpn
        yield from tlb_finish_mmu(st, t, mm)
        check_revoked(st, t)
    mmap_write_unlock(st, mm)
    if ret == 0 and vpn < end:
        return -ENOMEM
    return ret
