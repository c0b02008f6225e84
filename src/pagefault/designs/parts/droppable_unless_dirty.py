"""A lazyfree folio goes while it is clean, whose memory it is; dirty, it is swap-backed again.

The rmap part of `pte_dirty(pte, vma)`, July 2024: reclaim asks no VMA, and all rests on it that no
folio of droppable memory ever becomes dirty. Claim: no special case in try_to_unmap_one(). Breaks
`never-written-out` wherever one does: it goes to swap like any other then.
"""

from pagefault.consts import PG_DIRTY


def lazyfree_may_go(st, mm, vpn, pfn):
    return not st.folio[pfn].pg_flags & PG_DIRTY


def failed_discard_rescues(st, mm, vpn, pfn):
    return st.folio[pfn].pg_flags & PG_DIRTY != 0
