"""MAP_EXCLUSIVE, the RFC of October 2019, with transparent huge pages for all.

As map-exclusive-rfc. Populating finds a huge page and takes all of it out of the direct map; only
the zap of a PTE puts pages back, so that one which is unmapped whole goes to its next owner without
(the author: THP not tested). Breaks `no-oops`.
"""

PARTS = [
    "exclusive-is-anonymous",
    "map-exclusive",
    "exclusive-by-page-flag",
    "fork-drops-exclusive",
    "zap-restores-the-direct-map",
    "huge-pages-always",
]
