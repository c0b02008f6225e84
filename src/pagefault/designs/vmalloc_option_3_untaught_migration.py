"""vmalloc option 3, but migration takes a kernel page for a folio."""

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
    "migration-moves-kernel-pages",
]
