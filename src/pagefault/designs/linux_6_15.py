"""Linux 6.15: large folios may be reused, perf maps its buffers by PFN, lazyfree stays lazyfree.

As mainline, which is 6.12.y with its fixes, and what came up to 6.15. Nobody has fixed its last
stable release since: CVE-2025-40272 and mlockall(MCL_FUTURE) of droppable memory are as they were.
"""

PARTS = [
    "mmap-locks-droppable",
    "reuses-large-folios",
    "huge-page-over-the-zero-page",
    "pagemap-looks-at-the-first-page",
    "referenced-lazyfree-stays-so",
    "secretmem-frees-before-it-restores",
    "perf-maps-in-advance",
    "rox-joins-when-whole",
]
