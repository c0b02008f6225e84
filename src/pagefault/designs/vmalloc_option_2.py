"""vmalloc option 2: no tracking. Drivers map PFNs and are trusted not to free what is mapped.

Matthew Wilcox on linux-mm, 6 December 2024 (spinics.net/lists/linux-mm/msg415034.html). Claim of
those who would have it: nothing to count. No GUP. A driver that frees too early gives the process a
page that is somebody else's by then.
"""

PARTS = [
    "kernel-pages-by-pfn",
    "perf-maps-in-advance",
]
