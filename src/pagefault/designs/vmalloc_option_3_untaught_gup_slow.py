"""vmalloc option 3, but the slow path of GUP takes a kernel page, which is frozen, for a folio."""

PARTS = [
    "kernel-pages-are-not-counted",
    "area-counts-its-users",
    "zap-knows-kernel-pages",
    "fork-knows-kernel-pages",
    "cow-knows-kernel-pages",
    "kernel-pages-are-frozen",
    "vfree-keeps-the-address",
    "perf-maps-in-advance",
]
