"""Two users of the direct map, and large entries that are made again after a look, unlocked.

As direct-map-of-two-users. Breaks both contracts at grain step.
"""

PARTS = [
    "madvise-exclusive",
    "zap-restores-the-direct-map",
    "block-joins-later",
]
