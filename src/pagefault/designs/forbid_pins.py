"""Droppable memory cannot be pinned, so that its folios never become dirty.

Linus Torvalds, 11 July 2024, on top of pte_dirty(pte, vma); given up for GUP-fast, which has no
VMA. Claim: no folio becomes dirty without one. Cost: process_vm_writev(), io_uring and O_DIRECT
fail there. Breaks `never-written-out`: GUP-fast pins what is present.
"""

PARTS = [
    "droppable-unless-dirty",
    "pte-dirty-vma-in-unmap",
    "pte-dirty-vma-in-aging",
    "pte-dirty-vma-in-migration",
    "pte-dirty-vma-in-gup",
    "pte-dirty-vma-in-remote-writes",
    "gup-refuses-droppable",
]
