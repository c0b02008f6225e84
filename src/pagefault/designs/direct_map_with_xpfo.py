"""memfd_secret(2) and XPFO in one kernel: two users of the direct map.

Each puts back its own pages one by one, and large entries stay split. As direct-map-of-two-users,
with all anonymous memory in place of what asked for it.
"""

PARTS = [
    "kernel-maps-what-it-reaches",
    "xpfo",
]
