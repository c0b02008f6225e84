"""GUP-fast does not ask whether a folio is secret: the check of folio_fast_allowed() left out.

Nobody proposed it; it shows what the check is for. The slow path's check does not help, for
GUP-fast never gets there. Breaks `no-oops`, and `secret-is` by DMA.
"""


def gup_fast_refuses_secretmem(st, pfn):
    return 0
