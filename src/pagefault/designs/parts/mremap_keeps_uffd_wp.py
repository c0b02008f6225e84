"""mremap() leaves the write-protection by userfaultfd on what it moves, though unregistered.

The registration stays behind where userfaultfd has not asked for UFFD_EVENT_REMAP. The bit means
nothing then, until somebody registers the new place: a store there waits, though nobody has asked
for that. Ryan Roberts' "mm: clear uffd-wp PTE/PMD state on mremap()" of January 2025 clears it, in
6.12.y (seen in 6.12.107) and, between 6.1.176 and 6.1.192, in 6.1.y, too. Linux 5.10.223 and
6.1.176 keep the bit, seen by a run.
"""

from pagefault.hw.pgtable import pte_mksoft_dirty, pte_none


def move_soft_dirty_pte(pte):
    """mm/mremap.c move_soft_dirty_pte(), v6.1: what has moved counts as written."""
    if not pte_none(pte):
        return pte_mksoft_dirty(pte)
    return pte
