"""memfd_secret(2) and madvise(MADV_EXCLUSIVE) in one kernel: two users of the direct map.

Each puts back its own pages one by one, and large entries stay split: as the users of today do.
"""

PARTS = [
    "madvise-exclusive",
    "zap-restores-the-direct-map",
]
