"""A huge page that may be pinned gets its migration entry, and moves whoever refers to it."""

from pagefault.mm.rmap import ClearPageAnonExclusive


def folio_try_share_anon_rmap_pte(st, pfn):
    ClearPageAnonExclusive(st, pfn)
    return 0


def has_extra_references(st, pfn):
    return 0
