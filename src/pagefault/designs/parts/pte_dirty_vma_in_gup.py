"""follow_page_pte() makes no folio of droppable memory dirty, whatever its PTE says.

FOLL_TOUCH asks the other way round: what is *not* dirty in the PTE becomes so in the folio. To put
pte_dirty(pte, vma) there without a second look makes all pages dirty; see `pte-dirty-vma`.
"""

from pagefault.hw.pgtable import pte_dirty
from pagefault.mm.rmap import vma_is_droppable


def touch_makes_dirty(st, mm, vpn, pte):
    return not pte_dirty(pte) and not vma_is_droppable(st, mm, vpn)
