"""Two users of the direct map, and one makes large entries again by what it knows itself.

As direct-map-of-two-users. Breaks both contracts of the other's pages.
"""

PARTS = [
    "madvise-exclusive",
    "zap-restores-the-direct-map",
    "secretmem-joins-for-itself",
]
