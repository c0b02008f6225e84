"""Pages leave page tables, and the mappings of a file end. Models mm/memory.c.

What is zapped is queued and freed only after the TLBs were flushed (mmu_gather.py). A dirty page of
a file is flushed before the PTL is dropped, and counts as mapped until then: who cleans it for
writeback must not take it for one that nobody can write.
"""

from pagefault.consts import PTRS_PER_PTE
from pagefault.hw.monitor import note_revoked, owner_gave_up, owner_gives_up
from pagefault.hw.pgtable import (
    is_migration_entry,
    is_pte_marker,
    pmd_has_table,
    pmd_index,
    pmd_trans_huge,
    pmdp_get,
    pte_dirty,
    pte_none,
    pte_pfn,
    pte_present,
    pte_to_swp_entry,
    ptep_get,
    ptep_get_and_clear,
)
from pagefault.mm.huge_memory import zap_or_split_huge_pmd
from pagefault.mm.i_mmap import i_mmap_lock_read, i_mmap_unlock_read, linear_page_index
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.mmu_gather import (
    tlb_batch_pages_flush,
    tlb_delay_rmap,
    tlb_finish_mmu,
    tlb_flush_mmu_tlbonly,
    tlb_flush_rmaps,
    tlb_gather_mmu,
    tlb_remove_folio,
    tlb_remove_folio_keeping_rmap,
    tlb_track_range,
)
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import folio_mark_dirty, folio_test_anon
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import flush_tlb_batched_pending, folio_remove_rmap_pte
from pagefault.mm.swap_state import free_swap_and_cache


def zap_finds_folio(st, pte):
    """mm/memory.c zap_present_ptes(), v6.12: whether the entry counts on what it maps."""
    return vm_normal_page(pte)


def zap_present_pte(st, t, mm, vpn):
    """mm/memory.c zap_present_ptes(), v6.12: the page is queued, to be freed after the flush.
    Returns whether that must come before the PTL is dropped."""
    pte = ptep_get_and_clear(st, mm, vpn)
    tlb_track_range(st, t, vpn)
    if not zap_finds_folio(st, pte):
        zap_special_pte(st, t, mm, vpn, pte)
        return 0
    zap_restores(st, pte_pfn(pte))
    dirty = not folio_test_anon(st, pte_pfn(pte)) and pte_dirty(pte)
    if dirty:
        folio_mark_dirty(st, pte_pfn(pte))
    if dirty and tlb_delay_rmap(st):
        tlb_remove_folio_keeping_rmap(st, t, pte_pfn(pte))
    else:
        folio_remove_rmap_pte(st, pte_pfn(pte))
        tlb_remove_folio(st, t, pte_pfn(pte))
    return dirty


def zap_special_pte(st, t, mm, vpn, pte):
    """What becomes of the page of an entry that counts on nothing. mm/memory.c zap_present_ptes(),
    v6.12: it is somebody else's affair."""
    return


def zap_restores(st, pfn):
    """Whether a page that is unmapped is put back into the direct map. Linux has done so when it is
    freed, if it was taken out (secretmem_free_folio())."""
    return 0


def zap_nonpresent_pte(st, mm, vpn):
    """mm/memory.c zap_pte_range(), v6.12, of a swap PTE or a migration entry, which has neither a
    reference nor a mapping of its folio, or of a marker."""
    pte = ptep_get_and_clear(st, mm, vpn)
    if is_migration_entry(pte) or is_pte_marker(pte):
        return
    free_swap_and_cache(st, pte_to_swp_entry(pte))


def should_zap_cows(st, pte, even_cows):
    """mm/memory.c should_zap_folio(), v6.12: who takes a page of a file away leaves the private
    copies of it, unless the file ends there."""
    return even_cows or not folio_test_anon(st, pte_pfn(pte))


def should_zap_nonpresent(st, pte, even_cows):
    """mm/memory.c zap_pte_range(), v6.12: a swap PTE stands for a private copy, a migration
    entry for either."""
    if is_migration_entry(pte):
        return should_zap_cows(st, pte, even_cows)
    return even_cows


def zap_pte_range(st, t, mm, start, end, even_cows):
    """mm/memory.c zap_pte_range(), v6.12: clear vpns [start, end), page table by page table."""
    vpn = start
    while vpn < end:
        table_end = min(end, (pmd_index(vpn) + 1) * PTRS_PER_PTE)
        if pmd_trans_huge(pmdp_get(st, mm, vpn)):
            yield from zap_or_split_huge_pmd(st, t, mm, vpn, table_end)
        locked = 0
        if pmd_has_table(pmdp_get(st, mm, vpn)):
            locked = yield from pte_offset_map_lock(st, t, mm, vpn)
        if locked:
            yield from flush_tlb_batched_pending(st, t, mm)
            force_flush = 0
            for i in range(vpn, table_end):
                pte = ptep_get(st, mm, i)
                if pte_present(pte) and should_zap_cows(st, pte, even_cows):
                    force_flush |= zap_present_pte(st, t, mm, i)
                elif not pte_none(pte) and not pte_present(pte):
                    if should_zap_nonpresent(st, pte, even_cows):
                        zap_nonpresent_pte(st, mm, i)
                note_revoked(st, t, mm, i)
            if force_flush:
                yield from tlb_flush_mmu_tlbonly(st, t, mm)
                tlb_flush_rmaps(st, t)
            pte_unmap_unlock(st, mm, vpn)
            if force_flush:
                tlb_batch_pages_flush(st, t)
        vpn = table_end


def zap_page_range_single(st, t, mm, start, end, even_cows):
    """mm/memory.c zap_page_range_single(), v6.12, of pages of one VMA. The pages are gone and the
    TLBs flushed when it returns. Locks: mmap_lock held for reading, or i_mmap_rwsem of the file."""
    owner_gives_up(st, mm, start, end)
    tlb_gather_mmu(st, t, mm)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, start, end)
    yield from zap_pte_range(st, t, mm, start, end, even_cows)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    yield from tlb_finish_mmu(st, t, mm)
    owner_gave_up(st, mm, start, end)


def maps_file_from(st, mm, vpn, file, first_index):
    """Whether a VMA that the file knows of has page `first_index` of it there, or a later one."""
    if st.mm[mm].vma[vpn].vm_file != file + 1:
        return 0
    return linear_page_index(st, mm, vpn) >= first_index


def mapped_file_until(st, mm, vpn, file, first_index):
    """Where the pages from `vpn` on end that unmap_mapping_range_vma() zaps at once; `vpn` if there
    is none. Two VMAs side by side that go on in the file are taken for one."""
    end = vpn
    while end < st.nr_vpns and maps_file_from(st, mm, end, file, first_index):
        if st.mm[mm].vma[end].vm_pgoff != st.mm[mm].vma[vpn].vm_pgoff:
            break
        end += 1
    return end


def unmap_mapping_range(st, t, file, first_index, even_cows):
    """mm/memory.c unmap_mapping_range(), v6.12: nobody maps the file from page `first_index` on.
    It needs nobody's mmap_lock. Locks: takes i_mmap_rwsem for reading."""
    yield from i_mmap_lock_read(st, t, file)
    for mm in range(st.nr_mms):
        vpn = 0
        while vpn < st.nr_vpns:
            end = mapped_file_until(st, mm, vpn, file, first_index)
            if end > vpn:
                yield from zap_page_range_single(st, t, mm, vpn, end, even_cows)
            vpn = max(end, vpn + 1)
    i_mmap_unlock_read(st, file)
