"""KSM takes a PTE that is clean and read-only for one that no CPU writes through.

Up to 4.12, before commit b3a81d0841a9 by Minchan Kim, after Nadav Amit: MADV_FREE has made the
entry clean and clear_refs has write-protected it, and neither has flushed yet.
"""

from pagefault.hw.pgtable import pte_dirty, pte_write


def write_protect_must_clear(st, mm, pte):
    return pte_write(pte) or pte_dirty(pte)
