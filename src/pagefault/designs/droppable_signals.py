"""A page of droppable memory that was dropped raises SIGBUS, until its owner gives it up himself.

Linus Torvalds, 7 July 2024: a type of mapping leaves room for a later one that raises a signal
instead of showing zeros. Only floated. Here a marker stands where the page was, until
MADV_DONTNEED. Claim: what is read is what was stored, never zero in its place. Cost: a handler; a
system call that meets it fails with EFAULT.
"""

from pagefault.consts import PAGE_MARKER
from pagefault.mm.rmap import vma_is_droppable


def discarded_pte(st, mm, vpn):
    if vma_is_droppable(st, mm, vpn):
        return PAGE_MARKER
    return 0
