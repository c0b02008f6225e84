"""mremap() leaves the write-protection by userfaultfd on what it moves, though unregistered: up to 6.12.

The registration stays behind where userfaultfd has not asked for UFFD_EVENT_REMAP. The bit means
nothing then, until somebody registers the new place: a store there waits, though nobody has asked
for that. Since commit 0cef0bb836e3 (6.13, and 6.12.y) by Ryan Roberts the bit is cleared. Linux
5.10.223 and 6.1.176 keep it, seen by a run.
"""

from pagefault.hw.pgtable import pte_mksoft_dirty, pte_none


def move_soft_dirty_pte(pte):
    """mm/mremap.c move_soft_dirty_pte(), v6.1: what has moved counts as written."""
    if not pte_none(pte):
        return pte_mksoft_dirty(pte)
    return pte
