"""A write fault has notifiers drop their entries after it has replaced the page, not before."""

from pagefault.hw.monitor import observe_rmap_removed
from pagefault.hw.pgtable import pte_pfn, ptep_get
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.memory import pte_offset_map_lock, pte_unmap_unlock, set_copied_pte
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import copy_highpage, folio_alloc, folio_put
from pagefault.mm.rmap import anon_vma_prepare, folio_remove_rmap_pte


def wp_page_copy(st, t, mm, vpn, orig_pte, fault_flags):
    anon_vma_prepare(st, mm, vpn)
    new_pfn = folio_alloc(st)
    copy_highpage(st, new_pfn, pte_pfn(orig_pte))

    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked or ptep_get(st, mm, vpn) != orig_pte:
        if locked:
            pte_unmap_unlock(st, mm, vpn)
        folio_put(st, new_pfn)
        folio_put(st, pte_pfn(orig_pte))
        return 0

    yield from ptep_clear_flush(st, t, mm, vpn)
    set_copied_pte(st, mm, vpn, orig_pte, new_pfn, fault_flags)
    if vm_normal_page(orig_pte):
        folio_remove_rmap_pte(st, pte_pfn(orig_pte))
    observe_rmap_removed(st, mm, vpn, pte_pfn(orig_pte))
    pte_unmap_unlock(st, mm, vpn)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)

    folio_put(st, pte_pfn(orig_pte))  # the mapping's
    folio_put(st, pte_pfn(orig_pte))  # ours
    return 0
