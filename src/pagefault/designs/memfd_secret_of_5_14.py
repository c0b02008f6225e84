"""memfd_secret(2) as it was merged: 5.14, commit 1507f51255c9, by Mike Rapoport.

As mainline with what was found since undone: a file may grow, faults race the first ftruncate(),
GUP-fast takes fresh pages, who loses a race frees before it restores.
"""

PARTS = [
    "secretmem-may-grow",
    "secretmem-races-truncate",
    "gup-fast-takes-fresh-secretmem",
    "secretmem-frees-before-it-restores",
    "build-id-reads-secretmem",
]
