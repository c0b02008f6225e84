"""try_to_unmap_one() knows no droppable memory: dirty or referenced, a folio is swap-backed again.

Up to 6.10. See `droppable-rescued-when-referenced`.
"""

from pagefault.consts import PG_DIRTY


def lazyfree_may_go(st, mm, vpn, pfn):
    return not st.folio[pfn].pg_flags & PG_DIRTY


def failed_discard_rescues(st, mm, vpn, pfn):
    return 1
