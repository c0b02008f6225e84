"""Linux 5.10 without the flush that a write fault makes where userfaultfd has not yet."""

PARTS = [
    "reuse-by-refcount",
    "fork-copies-whatever-is-pinned",
    "no-unshare",
    "mprotect-never-upgrades",
    "uffd-wp-copies-before-the-flush",
]
