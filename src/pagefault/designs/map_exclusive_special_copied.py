"""MAP_EXCLUSIVE with special PTEs, and a fork() that copies on write as for private memory.

As map-exclusive-special, whose fork() gives the child a hole. fork() counts nothing for a special
entry, so two own one page: breaks `counts`, `no-use-after-free` and both contracts.
"""

PARTS = [
    "exclusive-is-anonymous",
    "map-exclusive",
    "exclusive-by-special-pte",
    "fork-copies-exclusive",
]
