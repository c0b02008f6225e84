"""Reclaim asks the folio whether it may be dropped, and no VMA.

What a design has for it, a flag or the folio's mapping, is here a flag that nothing else uses: set
at birth, in droppable memory. Dirty does not matter.
"""

from pagefault.consts import PG_ANON, PG_DIRTY, PG_SWAPBACKED
from pagefault.mm.rmap import vma_is_droppable

PG_DROPPABLE = 1 << 14


def new_anon_flags(st, mm, vpn):
    if vma_is_droppable(st, mm, vpn):
        return PG_ANON | PG_DROPPABLE
    return PG_ANON | PG_SWAPBACKED


def lazyfree_may_go(st, mm, vpn, pfn):
    return st.folio[pfn].pg_flags & PG_DROPPABLE or not st.folio[pfn].pg_flags & PG_DIRTY


def failed_discard_rescues(st, mm, vpn, pfn):
    return not st.folio[pfn].pg_flags & PG_DROPPABLE
