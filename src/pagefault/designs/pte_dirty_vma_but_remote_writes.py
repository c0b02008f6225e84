"""pte_dirty(pte, vma) with one site unconverted: __access_remote_vm().

As `pte-dirty-vma`, July 2024. Which of the sites leaks, and how soon, is what it is for.
"""

PARTS = [
    "droppable-unless-dirty",
    "pte-dirty-vma-in-unmap",
    "pte-dirty-vma-in-aging",
    "pte-dirty-vma-in-migration",
    "pte-dirty-vma-in-gup",
]
