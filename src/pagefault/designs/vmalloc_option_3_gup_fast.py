"""vmalloc option 3 with GUP-fast: it finds the allocation from the page, then asks the PTE again.

The word in each page that leads to its allocation is what options 3 and 4 need for that. A page
that is no more of an allocation has a reference count of 0, or is somebody's by whom it is counted.
"""

PARTS = [
    "kernel-pages-are-not-counted",
    "area-counts-its-users",
    "zap-knows-kernel-pages",
    "fork-knows-kernel-pages",
    "cow-knows-kernel-pages",
    "gup-counts-on-the-area",
    "vfree-keeps-the-address",
    "perf-maps-in-advance",
]
