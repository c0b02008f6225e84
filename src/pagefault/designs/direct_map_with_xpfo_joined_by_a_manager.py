"""memfd_secret(2), XPFO and module text, and one manager who joins when all is back.

As direct-map-with-xpfo. Claim: keeps both contracts. While any user has memory, XPFO has a page out
of the block, so that it never is joined.
"""

PARTS = [
    "kernel-maps-what-it-reaches",
    "xpfo",
    "block-joins-when-whole",
    "rox-joins-when-whole",
]
