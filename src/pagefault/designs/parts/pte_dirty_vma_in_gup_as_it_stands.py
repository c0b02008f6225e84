"""follow_page_pte() asks `!pte_dirty(pte, vma)`, which is always true in droppable memory.

The conversion by search and replace: FOLL_TOUCH makes the folio dirty where the PTE is not, and no
PTE of droppable memory is any more. Nobody proposed it; it is what the call as written says.
"""

from pagefault.hw.pgtable import pte_dirty
from pagefault.mm.rmap import vma_is_droppable


def touch_makes_dirty(st, mm, vpn, pte):
    return not pte_dirty(pte) or vma_is_droppable(st, mm, vpn)
