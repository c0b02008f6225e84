"""A PTE becomes a migration entry, and no TLB is flushed."""

from pagefault.hw.pgtable import ptep_get, set_pte_at
from pagefault.mm.rmap import PageAnonExclusive, folio_try_share_anon_rmap_pte


def clear_pte_and_share(st, t, mm, vpn, pfn):
    yield "PTE not cleared"
    pte = ptep_get(st, mm, vpn)
    set_pte_at(st, mm, vpn, 0)
    if PageAnonExclusive(st, pfn) and folio_try_share_anon_rmap_pte(st, pfn) != 0:
        set_pte_at(st, mm, vpn, pte)
        return 0
    return pte
