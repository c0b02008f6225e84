"""/proc/PID/pagemap: what a process may ask about its page tables. Models fs/proc/task_mmu.c."""

from pagefault.consts import PM_MMAP_EXCLUSIVE, PM_PRESENT, PM_SWAP
from pagefault.hw.pgtable import (
    is_swap_pte,
    pmd_none,
    pmdp_get,
    pte_pfn,
    pte_present,
    ptep_get,
)
from pagefault.mm.memory import vm_normal_page
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock


def pte_to_pagemap_entry(st, mm, vpn):
    """fs/proc/task_mmu.c pte_to_pagemap_entry(), v6.12: PM_* bits. Locks: PTL held, or there is no
    page table (pagemap_pte_hole()).

    PM_MMAP_EXCLUSIVE goes by the mapcount, not by PageAnonExclusive; the zero page has none.
    """
    pm_flags = 0
    pte = ptep_get(st, mm, vpn)
    if pte_present(pte):
        pm_flags |= PM_PRESENT
        if vm_normal_page(pte) and st.page[pte_pfn(pte)].mapcount == 1:
            pm_flags |= PM_MMAP_EXCLUSIVE
    elif is_swap_pte(pte):
        pm_flags |= PM_SWAP
    return pm_flags


def sys_pagemap(st, t, vpn, wanted):
    """fs/proc/task_mmu.c pagemap_read(), v6.12, of one page of the caller's: 1 if it has one of the
    bits `wanted`, else 0."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    locked = 0
    if not pmd_none(pmdp_get(st, mm, vpn)):
        locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    pm_flags = pte_to_pagemap_entry(st, mm, vpn)
    if locked:
        pte_unmap_unlock(st, mm, vpn)
    mmap_read_unlock(st, mm)
    return int(pm_flags & wanted != 0)
