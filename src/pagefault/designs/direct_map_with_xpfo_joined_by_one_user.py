"""memfd_secret(2) and XPFO, which makes large entries again by what it knows itself.

As direct-map-with-xpfo. Breaks both contracts of secret memory.
"""

PARTS = [
    "kernel-maps-what-it-reaches",
    "xpfo",
    "xpfo-joins-for-itself",
]
