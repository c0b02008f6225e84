"""MAP_EXCLUSIVE, the RFC of October 2019, with a fork() that copies on write as for private memory.

As map-exclusive-rfc, whose fork() gives the child a hole. To share is what a file does, as in
memfd_secret(2). Breaks `no-oops` and both contracts when either stores.
"""

PARTS = [
    "exclusive-is-anonymous",
    "map-exclusive",
    "exclusive-by-page-flag",
    "fork-copies-exclusive",
    "zap-restores-the-direct-map",
]
