"""The generic descriptor for kernel memory, but fork() adds a mapcount that nobody takes away."""

PARTS = [
    "kernel-pages-have-no-mapcount",
    "rmap-removes-no-kernel-pages",
    "perf-maps-in-advance",
]
