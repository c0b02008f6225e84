"""vmalloc option 3 without GUP: the slow path refuses, and GUP-fast finds frozen pages."""

PARTS = [
    "kernel-pages-are-not-counted",
    "area-counts-its-users",
    "zap-knows-kernel-pages",
    "fork-knows-kernel-pages",
    "cow-knows-kernel-pages",
    "kernel-pages-are-frozen",
    "vfree-keeps-the-address",
    "gup-refuses-kernel-pages",
    "perf-maps-in-advance",
]
