"""The generic descriptor for kernel memory, but munmap() takes a mapcount away that nobody gave."""

PARTS = [
    "kernel-pages-have-no-mapcount",
    "rmap-adds-no-kernel-pages",
    "perf-maps-in-advance",
]
