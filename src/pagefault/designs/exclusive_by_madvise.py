"""madvise(MADV_EXCLUSIVE) on any anonymous memory, whatever has become of it so far.

What malloc() could use (Dave Hansen, 28 October 2019). Breaks `secret-is` wherever somebody had the
page before; `no-oops` where the kernel goes on with it.
"""

PARTS = [
    "exclusive-is-anonymous",
    "exclusive-is-private",
    "madvise-exclusive",
    "zap-restores-the-direct-map",
    "hibernates-with-secrets",
]
