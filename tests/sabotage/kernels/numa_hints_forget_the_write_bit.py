"""Linux 5.10, with NUMA hints that lose the right to write: a page that is pinned is copied."""

PARTS = [
    "reuse-by-refcount",
    "fork-copies-whatever-is-pinned",
    "no-unshare",
    "mprotect-never-upgrades",
    "numa-skips-what-is-shared",
]
