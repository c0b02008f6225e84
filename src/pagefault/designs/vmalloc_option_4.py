"""vmalloc option 4: the count in an object of its own ("scamem") between pages and vm_struct.

Matthew Wilcox on linux-mm, 6 December 2024 (spinics.net/lists/linux-mm/msg415075.html). Claim: as
option 3, and pages outlive the kernel's address, which goes at once. Who writes by the address
after vfree() is not helped by any reference.
"""

PARTS = [
    "kernel-pages-are-not-counted",
    "area-counts-its-users",
    "zap-knows-kernel-pages",
    "fork-knows-kernel-pages",
    "cow-knows-kernel-pages",
    "gup-counts-on-the-area",
    "kernel-pages-are-frozen",
    "perf-maps-in-advance",
]
