"""pte_dirty(pte, vma), and reclaim as it was in 6.10: what cannot go is swap-backed again.

As `pte-dirty-vma`, with try_to_unmap_one() untouched: it took any reference for a reason to keep
the folio for good. Nobody proposed it so; it is what "reclaim needs no change" says. Breaks `never-
written-out` by any reference, for reading as well, that somebody has when reclaim comes.
"""

PARTS = [
    "pte-dirty-vma-in-unmap",
    "pte-dirty-vma-in-aging",
    "pte-dirty-vma-in-migration",
    "pte-dirty-vma-in-gup",
    "pte-dirty-vma-in-remote-writes",
    "lazyfree-as-in-6.10",
]
