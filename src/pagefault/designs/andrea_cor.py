"""Andrea Arcangeli's branch of 2021: reuse by mapcount, and copy-on-read faults for GUP.

A page is reused on write when one PTE maps it. GUP of an anonymous page that is write-protected
and mapped more than once takes a copy-on-read fault first (FAULT_FLAG_UNSHARE), and with
FOLL_MM_SYNC so does a long-term pin of the zero page. fork copies what is pinned. Branch "aa",
draft for RHEL 9; not merged, but mainline's unshare fault comes from here. Linus Torvalds'
objection of December 2021: a reference taken before fork outlives the parent's unmap.
"""

PARTS = [
    "reuse-by-mapcount",
    "huge-reuse-by-mapcount",
    "gup-copies-on-read-mm-sync",
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
