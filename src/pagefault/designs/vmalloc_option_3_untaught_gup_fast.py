"""vmalloc option 3 without GUP: the slow path refuses, and GUP-fast takes what it finds."""

PARTS = [
    "kernel-pages-are-not-counted",
    "area-counts-its-users",
    "zap-knows-kernel-pages",
    "fork-knows-kernel-pages",
    "cow-knows-kernel-pages",
    "vfree-keeps-the-address",
    "gup-refuses-kernel-pages",
    "perf-maps-in-advance",
]
