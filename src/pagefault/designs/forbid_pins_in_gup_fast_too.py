"""Droppable memory cannot be pinned, and GUP-fast leaves alone what is not swap-backed.

As `forbid-pins`, July 2024, with its hole closed; nobody proposed it. Claim: keeps every promise
without a special case in reclaim. Cost: that of `forbid-pins`, and MADV_FREE's pages leave GUP-
fast.
"""

PARTS = [
    "droppable-unless-dirty",
    "pte-dirty-vma-in-unmap",
    "pte-dirty-vma-in-aging",
    "pte-dirty-vma-in-migration",
    "pte-dirty-vma-in-gup",
    "pte-dirty-vma-in-remote-writes",
    "gup-refuses-droppable",
    "gup-fast-refuses-lazyfree",
]
