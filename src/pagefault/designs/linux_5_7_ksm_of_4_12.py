"""Linux 5.7 with the KSM of 4.12, which does not flush what is clean and read-only already.

Loses a store: a CPU that may still write by its TLB does so after the pages were compared, and
the store is gone with the page (commit b3a81d0841a9, 4.13). No promise says so, for the pages are
those of MADV_FREE, which may go back to zeros, though not to what was stored before.
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
    "ksm-trusts-clean-entries",
    "no-droppable-memory",
    "poison-counts-references",
    "lazyfree-huge-pages-are-split",
    "migration-keeps-huge-pages-whole",
    "split-keeps-zeros",
    "splice-fills-holes",
    "move-pages-says-efault",
    "uffd-looks-before-it-prepares",
]
