"""A write to the huge zero page gets a huge page at once: since 6.13.

mm/huge_memory.c do_huge_zero_wp_pmd(), by Dev Jain. Before, the zero page was split and one
page of it copied, so that there was no huge page until khugepaged made one.
"""

from pagefault.consts import PTRS_PER_PTE
from pagefault.hw.pgtable import huge_start, pmdp_get, set_pmd_at
from pagefault.hw.tlb import flush_tlb_mm_range
from pagefault.mm.huge_memory import set_huge_pmd
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import folio_alloc_pmd, folio_put
from pagefault.mm.pgtable_generic import pmd_lock, pmd_unlock


def wp_huge_zero_pmd(st, t, mm, vpn, orig_pmd):
    start = huge_start(vpn)
    new_pfn = folio_alloc_pmd(st)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, start, start + PTRS_PER_PTE)
    yield from pmd_lock(st, t, mm)
    if pmdp_get(st, mm, vpn) == orig_pmd:
        set_pmd_at(st, mm, vpn, 0)
        yield "PMD cleared, TLB not flushed"
        yield from flush_tlb_mm_range(st, t, mm, start, start + PTRS_PER_PTE)
        set_huge_pmd(st, mm, vpn, new_pfn)
    else:
        folio_put(st, new_pfn)
    pmd_unlock(st, mm)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return 0
