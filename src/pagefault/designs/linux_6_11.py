"""Linux 6.11: the first with droppable memory, which mlockall(MCL_FUTURE) keeps from dropping.

Commit 9651fcedf7b9 by Jason A. Donenfeld, July 2024. As mainline, which is 6.12.y with the fixes of
2025 and 2026, less those. Claim: as mainline. Nothing that is promised breaks, but that memory may
go is what its owner asked for.
"""

PARTS = [
    "mmap-locks-droppable",
    "move-pages-asks-gup",
    "mremap-keeps-uffd-wp",
    "secretmem-frees-before-it-restores",
    "split-keeps-zeros",
    "move-pages-says-efault",
]
