"""pte_dirty(pte, vma) with one site unconverted: try_to_migrate_one().

As `pte-dirty-vma`, July 2024. Which of the sites leaks, and how soon, is what it is for.
"""

PARTS = [
    "droppable-unless-dirty",
    "pte-dirty-vma-in-unmap",
    "pte-dirty-vma-in-aging",
    "pte-dirty-vma-in-gup",
    "pte-dirty-vma-in-remote-writes",
]
