"""pte_dirty(pte, vma) at all sites, in follow_page_pte() without a second look.

As `pte-dirty-vma`, July 2024, but FOLL_TOUCH, which asks for PTEs that are *not* dirty, now finds
none that is. Nobody proposed it. Breaks `never-written-out` by any write through GUP's slow path.
"""

PARTS = [
    "droppable-unless-dirty",
    "pte-dirty-vma-in-unmap",
    "pte-dirty-vma-in-aging",
    "pte-dirty-vma-in-migration",
    "pte-dirty-vma-in-gup-as-it-stands",
    "pte-dirty-vma-in-remote-writes",
]
