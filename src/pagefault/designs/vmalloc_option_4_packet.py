"""vmalloc option 4, and a packet socket that is closed under frames in flight."""

PARTS = [
    "kernel-pages-are-not-counted",
    "area-counts-its-users",
    "zap-knows-kernel-pages",
    "fork-knows-kernel-pages",
    "cow-knows-kernel-pages",
    "gup-counts-on-the-area",
    "kernel-pages-are-frozen",
    "packet-frees-rings-under-skbs",
    "perf-maps-in-advance",
]
