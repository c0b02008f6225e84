"""Linux 6.16: as 6.15, but uprobes write in place, and VMAs merge that were kept apart before.

The merges by Lorenzo Stoakes (commit 879bca0a2c4f), the uprobes by David Hildenbrand.
"""

PARTS = [
    "mmap-locks-droppable",
    "vma-takes-the-anon-vma-of-its-neighbour",
    "reuses-large-folios",
    "huge-page-over-the-zero-page",
    "pagemap-looks-at-the-first-page",
    "referenced-lazyfree-stays-so",
    "secretmem-frees-before-it-restores",
    "uprobes-write-in-place",
    "perf-maps-in-advance",
    "rox-joins-when-whole",
]
