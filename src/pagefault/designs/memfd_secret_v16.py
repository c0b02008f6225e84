"""memfd_secret(2) v16 of 21 January 2021: pages from a pool of 2 MiB blocks.

Nacked by Michal Hocko on 26 January: the pool can run dry at a fault. v17 has no pool. The races of
the merged version with ftruncate() and among faults are in it, too.
"""

PARTS = [
    "secretmem-pool",
    "secretmem-may-grow",
    "secretmem-races-truncate",
]
