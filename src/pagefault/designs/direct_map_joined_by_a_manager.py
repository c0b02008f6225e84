"""Two users of the direct map, and one manager who makes large entries again when all is back.

As direct-map-of-two-users. What Dave Hansen asked for in 2019, as far as joining goes.
"""

PARTS = [
    "madvise-exclusive",
    "zap-restores-the-direct-map",
    "block-joins-when-whole",
]
