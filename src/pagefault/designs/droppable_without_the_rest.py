"""Droppable, and nothing else: wiping on fork and no dump are flags of mmap() of their own.

v21 by Jason A. Donenfeld, 7 July 2024, with bits to OR; Linus Torvalds answered that droppable is a
type, not a modifier. Claim: each property for itself. Breaks `wiped-on-fork` for who forgets a
flag.
"""

from pagefault.consts import VM_DROPPABLE


def droppable_vm_flags():
    return VM_DROPPABLE
