"""/proc/PID/clear_refs and /proc/PID/pagemap: which pages were written. Models fs/proc/task_mmu.c.

Left out: what clear_refs does to referenced bits (1 to 3) and to the peak of resident memory (5).
"""

from pagefault.consts import (
    MMF_HAS_PINNED,
    PM_MMAP_EXCLUSIVE,
    PM_PRESENT,
    PM_SOFT_DIRTY,
    PM_SWAP,
    PTRS_PER_PTE,
    VM_PFNMAP,
    VM_SOFTDIRTY,
)
from pagefault.hw.monitor import (
    observe_soft_dirty,
    soft_dirty_begins_to_clear,
    soft_dirty_was_cleared,
)
from pagefault.hw.pgtable import (
    is_migration_entry,
    pmd_has_table,
    pmd_index,
    pmd_trans_huge,
    pmdp_get,
    pte_clear_soft_dirty,
    pte_none,
    pte_pfn,
    pte_present,
    pte_soft_dirty,
    pte_write,
    pte_wrprotect,
    ptep_get,
    set_pmd_at,
    set_pte_at,
)
from pagefault.hw.tlb import flush_tlb_mm
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
)
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import folio_maybe_dma_pinned
from pagefault.mm.pgtable_generic import (
    lock_entry,
    pmd_trans_huge_lock,
    pmd_unlock,
    pmdp_invalidate,
    pte_offset_map_lock,
    pte_unmap_unlock,
    unlock_entry,
)
from pagefault.mm.rmap import folio_precise_page_mapcount

# --- clear_refs --------------------------------------------------------------------------------


def pte_is_pinned(st, mm, pte):
    """fs/proc/task_mmu.c pte_is_pinned(), v6.12: the page may be pinned for DMA, so that the next
    store must not copy it. Nothing keeps GUP-fast from pinning right after the look."""
    if not pte_write(pte) or not st.mm[mm].mm_flags & MMF_HAS_PINNED or not vm_normal_page(pte):
        return 0
    return folio_maybe_dma_pinned(st, pte_pfn(pte))


def clear_soft_dirty(st, t, mm, vpn):
    """fs/proc/task_mmu.c clear_soft_dirty(), v6.12: the next store is to fault, so the entry is
    write-protected as well. A pinned page stays as it is, and so for ever soft-dirty. PTL held,
    which GUP-fast and the hardware do not ask for."""
    pte = ptep_get(st, mm, vpn)
    if not pte_none(pte) and not pte_present(pte):
        set_pte_at(st, mm, vpn, pte_clear_soft_dirty(pte))
    if not pte_present(pte) or pte_is_pinned(st, mm, pte):
        return
    yield "judged not pinned, PTE not write-protected"
    set_pte_at(st, mm, vpn, pte_clear_soft_dirty(pte_wrprotect(ptep_get(st, mm, vpn))))


def clear_soft_dirty_pmd(st, t, mm, vpn):
    """fs/proc/task_mmu.c clear_soft_dirty_pmd(), v6.12: pinned or not; one that migrates stays
    writable, as among the small ones. Locks: takes the PMD lock."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if locked:
        pmd = pmdp_get(st, mm, vpn)
        if not is_migration_entry(pmd):
            pmd = yield from pmdp_invalidate(st, t, mm, vpn)
            pmd = pte_wrprotect(pmd)
        set_pmd_at(st, mm, vpn, pte_clear_soft_dirty(pmd))
        pmd_unlock(st, mm)


def clear_refs_pte_range(st, t, mm, start, end):
    """fs/proc/task_mmu.c clear_refs_pte_range(), v6.12, of one page table. Takes the PTL."""
    if pmd_trans_huge(pmdp_get(st, mm, start)):
        yield from clear_soft_dirty_pmd(st, t, mm, start)
    locked = 0
    if pmd_has_table(pmdp_get(st, mm, start)):
        locked = yield from pte_offset_map_lock(st, t, mm, start)
    if locked:
        for vpn in range(start, end):
            yield from clear_soft_dirty(st, t, mm, vpn)
        pte_unmap_unlock(st, mm, start)


def walk_page_range(st, t, mm):
    """mm/pagewalk.c walk_page_range(), v6.12, for clear_refs: the whole address space."""
    vpn = 0
    while vpn < st.nr_vpns:
        table_end = min(st.nr_vpns, (pmd_index(vpn) + 1) * PTRS_PER_PTE)
        yield from clear_refs_pte_range(st, t, mm, vpn, table_end)
        vpn = table_end


def clear_vm_softdirty(st, mm):
    """From here on a page that nobody has touched is clean, too."""
    for vpn in range(st.nr_vpns):
        st.mm[mm].vma[vpn].vm_flags &= ~VM_SOFTDIRTY


def clear_refs_lock(st, t, mm):
    """fs/proc/task_mmu.c clear_refs_write(), v6.12: mmap_lock for writing, so that nobody can fault
    a page in and copy it before the flush (since 5.11, commit 29a951dfb3c3)."""
    yield from mmap_write_lock(st, t, mm)
    clear_vm_softdirty(st, mm)


def clear_refs_unlock(st, mm):
    mmap_write_unlock(st, mm)


def sys_clear_refs(st, t):
    """fs/proc/task_mmu.c clear_refs_write(), v6.12, of CLEAR_REFS_SOFT_DIRTY by the process
    itself."""
    mm = st.task[t].mm
    soft_dirty_begins_to_clear(st, mm)
    yield from clear_refs_lock(st, t, mm)
    st.mm[mm].tlb_flush_pending += 1
    yield from mmu_notifier_invalidate_range_start(st, t, mm, 0, st.nr_vpns)
    yield from walk_page_range(st, t, mm)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    yield from clear_refs_flush(st, t, mm)
    st.mm[mm].tlb_flush_pending -= 1
    soft_dirty_was_cleared(st, mm)
    clear_refs_unlock(st, mm)
    return 0


def clear_refs_flush(st, t, mm):
    """fs/proc/task_mmu.c clear_refs_write(), v6.12: until this is done a CPU may write by a
    translation from before, and nobody is told."""
    yield "PTEs write-protected, TLBs not flushed"
    yield from flush_tlb_mm(st, t, mm)


# --- pagemap -----------------------------------------------------------------------------------


def pagemap_says_exclusive(st, mm, vpn):
    """fs/proc/task_mmu.c pagemap_pmd_range(), v6.12: one entry alone maps the page."""
    return folio_precise_page_mapcount(st, pte_pfn(ptep_get(st, mm, vpn))) == 1


def pte_to_pagemap_entry(st, mm, vpn):
    """fs/proc/task_mmu.c pte_to_pagemap_entry(), v6.12: PM_* bits. Locks: PTL held, or there is no
    page table (pagemap_pte_hole()). A PFN map counts as a hole (mm/pagewalk.c walk_page_test()).

    PM_MMAP_EXCLUSIVE goes by the mapcount, not by PageAnonExclusive; the zero page has none.
    """
    pm_flags = 0
    pte = ptep_get(st, mm, vpn)
    if st.mm[mm].vma[vpn].vm_flags & VM_PFNMAP:
        pte = 0
    if pte_present(pte):
        pm_flags |= PM_PRESENT
        if vm_normal_page(pte) and pagemap_says_exclusive(st, mm, vpn):
            pm_flags |= PM_MMAP_EXCLUSIVE
    elif not pte_none(pte):
        pm_flags |= PM_SWAP
    if pte_soft_dirty(pte):
        pm_flags |= PM_SOFT_DIRTY
    if st.mm[mm].vma[vpn].vm_flags & VM_SOFTDIRTY:
        pm_flags |= PM_SOFT_DIRTY
    observe_soft_dirty(st, mm, vpn, pm_flags & PM_SOFT_DIRTY)
    return pm_flags


def sys_pagemap(st, t, vpn, wanted):
    """fs/proc/task_mmu.c pagemap_read(), v6.12, of one page of the caller's: 1 if it has one of the
    bits `wanted`, else 0."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    locked = yield from lock_entry(st, t, mm, vpn)
    pm_flags = pte_to_pagemap_entry(st, mm, vpn)
    if locked:
        unlock_entry(st, mm, vpn)
    mmap_read_unlock(st, mm)
    return int(pm_flags & wanted != 0)
