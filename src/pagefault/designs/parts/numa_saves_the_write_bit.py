"""A NUMA hint keeps the right to write in the entry, and gives it back: up to 6.1.

pte_savedwrite(), gone with commit 6a56ccbcf6c6 by David Hildenbrand.
"""

from pagefault.consts import PAGE_RW


def numa_saved_write(pte):
    return pte & PAGE_RW
