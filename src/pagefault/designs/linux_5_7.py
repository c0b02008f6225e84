"""Linux 5.7: a page is reused on write when nobody else maps it, whoever holds references.

The rule since 2.6.13 (commit c475a8ab625d by Hugh Dickins). Breaks `private`: a reference that a
child took and kept sees what the parent writes later (CVE-2020-29374). Breaks `coherent`: fork
shares a pinned page, and the next write moves the owner away from it.
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
    "poison-counts-references",
    "lazyfree-huge-pages-are-split",
    "migration-keeps-huge-pages-whole",
    "split-keeps-zeros",
    "splice-fills-holes",
    "move-pages-says-efault",
    "uffd-looks-before-it-prepares",
]
