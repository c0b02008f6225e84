"""A lazyfree folio that cannot go only because somebody refers to it stays lazyfree.

Since 6.15: try_to_unmap_one() asks for the dirty flag first, and only what is dirty is swap-backed
again. What a reference may write later it marks dirty then. Before, any reference was enough.
"""

from pagefault.consts import PG_DIRTY
from pagefault.mm.rmap import vma_is_droppable


def failed_discard_rescues(st, mm, vpn, pfn):
    return not vma_is_droppable(st, mm, vpn) and st.folio[pfn].pg_flags & PG_DIRTY != 0
