"""try_to_migrate_one() asks pte_dirty(pte, vma): a PTE of droppable memory is never dirty for it.

One of the sites where migration hands the dirty bit of a PTE to its folio; see `pte-dirty-vma`.
"""

from pagefault.hw.pgtable import pte_dirty
from pagefault.mm.rmap import vma_is_droppable


def migration_makes_dirty(st, mm, vpn, pte):
    return pte_dirty(pte) and not vma_is_droppable(st, mm, vpn)
