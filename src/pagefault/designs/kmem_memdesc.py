"""A generic descriptor for kernel memory in user space: refcount for each page, no mapcount.

The thread of December 2024 about vmalloc and memdescs; a page type by David Hildenbrand, 29
November 2024 (spinics.net/lists/linux-mm/msg414054.html). Claim: as safe as today; kpagecount and
Pss do not see such mappings.
"""

PARTS = [
    "kernel-pages-have-no-mapcount",
    "rmap-removes-no-kernel-pages",
    "rmap-adds-no-kernel-pages",
    "perf-maps-in-advance",
]
