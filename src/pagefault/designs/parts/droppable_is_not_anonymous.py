"""Droppable memory is no anonymous memory: it has a fault path of its own, as a file has.

What is read first gets a page, for there is no zero page in between. What asks for anonymous memory
refuses: MADV_FREE, UFFDIO_MOVE.
"""

from pagefault.mm.rmap import vma_is_droppable


def vma_is_anonymous(st, mm, vpn):
    return st.mm[mm].vma[vpn].vm_file == 0 and not vma_is_droppable(st, mm, vpn)
