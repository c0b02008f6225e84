"""Linux 7.2 of late: as 6.18, with pages of memfd_secret() charged when they are allocated.

Its multi-generational LRU leaves dirty lazyfree folios where reclaim finds them, and a huge page of
droppable memory goes with its PMD.

Commit 97d34aa65c29 (7.3-rc2, CVE-2026-93243), which 7.2.13 has: seen in the kernel that runs, by
`pagefault conform -k 7`. Keeps `within-memlock`, which mainline breaks.
"""

PARTS = [
    "mremap-moves-several-vmas",
    "vma-takes-the-anon-vma-of-its-neighbour",
    "kpageflags-tells-ksm",
    "reuses-large-folios",
    "collapse-of-read-only-pages",
    "huge-page-over-the-zero-page",
    "pagemap-looks-at-the-first-page",
    "userfaultfd-refuses-droppable",
    "referenced-lazyfree-stays-so",
    "aging-leaves-dirty-folios-old",
    "huge-droppable-goes-whole",
    "secretmem-charges-pages",
    "uprobes-write-in-place",
    "perf-maps-in-advance",
    "rox-joins-when-whole",
]
