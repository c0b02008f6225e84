"""A page goes bad, and its PTE is replaced without a flush of the TLBs."""

from pagefault.hw.monitor import note_revoked
from pagefault.hw.pgtable import ptep_get_and_clear
from pagefault.mm.memory_failure import set_poisoned_pte
from pagefault.mm.page_alloc import folio_put
from pagefault.mm.rmap import folio_remove_rmap_pte


def poison_pte(st, t, mm, vpn, pfn):
    pte = ptep_get_and_clear(st, mm, vpn)
    yield "PTE cleared, TLB not flushed"
    set_poisoned_pte(st, mm, vpn, pfn, pte, 1)
    note_revoked(st, t, mm, vpn)
    folio_remove_rmap_pte(st, pfn)
    folio_put(st, pfn)
    return 1
