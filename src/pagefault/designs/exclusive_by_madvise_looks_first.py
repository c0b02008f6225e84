"""madvise(MADV_EXCLUSIVE) that refuses what is pinned, shared or in swap (Andy Lutomirski, 2019).

As exclusive-by-madvise, with the question asked first.
"""

PARTS = [
    "exclusive-is-anonymous",
    "exclusive-is-private",
    "madvise-exclusive",
    "madvise-exclusive-looks-first",
    "zap-restores-the-direct-map",
    "hibernates-with-secrets",
]
