"""__access_remote_vm() has the VMA, and makes no folio of droppable memory dirty.

The other writers through a reference have none: process_vm_writev(), O_DIRECT and drivers give
their pins back by unpin_user_pages_dirty_lock(). See `pte-dirty-vma`.
"""

from pagefault.mm.page_alloc import folio_test_swapbacked
from pagefault.mm.rmap import vma_is_droppable


def remote_write_makes_dirty(st, mm, vpn, pfn):
    if vma_is_droppable(st, mm, vpn):
        return 0
    return st.folio[pfn].mapping or not folio_test_swapbacked(st, pfn)
