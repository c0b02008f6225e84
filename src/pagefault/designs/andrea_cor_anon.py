"""Andrea Arcangeli's copy-on-read faults without FOLL_MM_SYNC: anonymous pages only.

As andrea-cor, for users that do not pass the flag, which are all those that a kernel has. Claim:
GUP never hands out an anonymous page that another process maps as well. Cost: an exact mapcount to
keep. Breaks `coherent` for a long-term pin of memory that was never written.
"""

PARTS = [
    "reuse-by-mapcount",
    "huge-reuse-by-mapcount",
    "gup-copies-on-read",
    "ksm-leaves-what-is-pinned",
    "fork-copies-whatever-is-pinned",
    "mprotect-never-upgrades",
    "mprotect-always-flushes",
    "swapin-by-mapcount",
    "clear-refs-write-protects-what-is-pinned",
    "o-direct-takes-references",
    "foll-cow",
    "numa-skips-what-is-shared",
    "numa-saves-the-write-bit",
    "mremap-keeps-uffd-wp",
    "zap-removes-rmap-before-the-flush",
    "longterm-writes-to-files",
]
