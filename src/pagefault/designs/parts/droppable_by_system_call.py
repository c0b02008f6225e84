"""Droppable memory comes by vgetrandom_alloc(2) alone; mmap() has no word for it.

v14 of vgetrandom by Jason A. Donenfeld, January 2023: VM_DROPPABLE for the state of one system call
and nothing else. The VMA is one like others, once it is there.
"""

from pagefault.consts import MAP_VGETRANDOM


def droppable_is_a_type(map_flags):
    return map_flags & MAP_VGETRANDOM


def has_vgetrandom_alloc():
    return 1
