"""Linux 6.18: as mainline, but large folios may be reused, and VMAs merge that 6.12 keeps apart.

mremap() moves several VMAs. The difference is seen in the kernel that runs, by `pagefault conform`:
which VMAs there are decides what mremap() refuses. Nothing that is promised hangs on it. And
userfaultfd takes no droppable memory, so that nothing in there comes to be swap-backed:
`never-written-out` holds.
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
    "uprobes-write-in-place",
    "perf-maps-in-advance",
    "rox-joins-when-whole",
]
