"""Linux 5.7 with the huge pages of 4.14, whose entries GUP marks dirty though it only reads.

CVE-2017-1000405, "Huge Dirty COW": FOLL_COW takes a dirty entry for a copy, and a reader makes that
of the huge zero page (until commit a8f97366452e, 4.15). Breaks `private`.
"""

PARTS = [
    "no-memfd-secret",
    "reuse-by-mapcount",
    "huge-reuse-by-torn-mapcount",
    "fork-shares-pinned",
    "no-unshare",
    "mprotect-never-upgrades",
    "mprotect-always-flushes",
    "no-write-protect-seq",
    "swapin-by-mapcount",
    "swapin-claims-nothing",
    "reclaim-swaps-pinned",
    "madv-free-discards-what-is-referenced",
    "clear-refs-under-the-read-lock",
    "clear-refs-write-protects-what-is-pinned",
    "clear-refs-seldom-flushes",
    "uffd-wp-copies-before-the-flush",
    "o-direct-takes-references",
    "foll-cow",
    "numa-skips-what-is-shared",
    "numa-saves-the-write-bit",
    "mremap-keeps-uffd-wp",
    "kpageflags-tells-ksm",
    "zap-removes-rmap-before-the-flush",
    "longterm-writes-to-files",
    "pagemap-looks-at-the-first-page",
    "no-droppable-memory",
    "touch-makes-huge-pages-dirty",
    "poison-counts-references",
    "lazyfree-huge-pages-are-split",
    "migration-keeps-huge-pages-whole",
    "split-keeps-zeros",
    "splice-fills-holes",
    "move-pages-says-efault",
    "uffd-looks-before-it-prepares",
]
