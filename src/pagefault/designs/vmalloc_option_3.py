"""vmalloc option 3: one refcount in vm_struct, for the owner, each VMA and each reference by GUP.

Matthew Wilcox on linux-mm, 6 December 2024 (spinics.net/lists/linux-mm/msg415034.html). Claim:
safe, with one count for all pages. Cost: one page that is pinned keeps the whole allocation. Here
the address stays as long as the count; GUP-fast finds frozen pages and leaves them alone.
"""

PARTS = [
    "kernel-pages-are-not-counted",
    "area-counts-its-users",
    "zap-knows-kernel-pages",
    "fork-knows-kernel-pages",
    "cow-knows-kernel-pages",
    "gup-counts-on-the-area",
    "kernel-pages-are-frozen",
    "vfree-keeps-the-address",
    "perf-maps-in-advance",
]
