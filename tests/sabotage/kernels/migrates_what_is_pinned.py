"""A page that may be pinned gets its migration entry, and moves whoever refers to it."""

from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.rmap import ClearPageAnonExclusive


def clear_pte_and_share(st, t, mm, vpn, pfn):
    pte = yield from ptep_clear_flush(st, t, mm, vpn)
    ClearPageAnonExclusive(st, pfn)
    return pte


def has_extra_references(st, pfn):
    return 0
