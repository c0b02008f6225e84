"""get_user_pages() and pin_user_pages() refuse droppable memory: -EFAULT, by the slow path.

Linus Torvalds, 11 July 2024: who cannot pin such a page cannot make it dirty behind everybody's
back. GUP-fast has no VMA to ask.
"""

from pagefault.mm.rmap import vma_is_droppable


def vma_refuses_references(st, mm, vpn):
    return vma_is_droppable(st, mm, vpn)
