"""vmalloc option 3, but GUP knows nothing of it and takes references to pages that count none."""

PARTS = [
    "kernel-pages-are-not-counted",
    "area-counts-its-users",
    "zap-knows-kernel-pages",
    "fork-knows-kernel-pages",
    "cow-knows-kernel-pages",
    "vfree-keeps-the-address",
    "perf-maps-in-advance",
]
