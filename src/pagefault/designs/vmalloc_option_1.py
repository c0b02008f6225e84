"""vmalloc option 1: each page has refcount and mapcount, in a descriptor of vmalloc's own.

Matthew Wilcox on linux-mm, 6 December 2024 (spinics.net/lists/linux-mm/msg415034.html). Claim: as
safe as today. Cost: 16 bytes a page and two atomic operations for each PTE; more precision than
warranted, he says.
"""

PARTS = [
    "vmalloc-pages-have-a-type",
    "vm-insert-page-takes-vmalloc",
    "perf-maps-in-advance",
]
