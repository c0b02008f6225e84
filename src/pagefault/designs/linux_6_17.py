"""Linux 6.17: userfaultfd takes no droppable memory any more; mlockall(MCL_FUTURE) still locks it.

As `linux-6.18`, less what came with 6.18 and its fixes. userfaultfd's check, by Tal Zussman, asks
the VMA now, so `never-written-out` holds.
"""

PARTS = [
    "mmap-locks-droppable",
    "mremap-moves-several-vmas",
    "vma-takes-the-anon-vma-of-its-neighbour",
    "reuses-large-folios",
    "huge-page-over-the-zero-page",
    "pagemap-looks-at-the-first-page",
    "userfaultfd-refuses-droppable",
    "referenced-lazyfree-stays-so",
    "secretmem-frees-before-it-restores",
    "uprobes-write-in-place",
    "perf-maps-in-advance",
    "rox-joins-when-whole",
]
