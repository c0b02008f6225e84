"""Linux 5.9 and 5.10.0: fork copies what may be pinned, and GUP-fast does not look for fork.

Commits 008cfe4418b3, 70e806e4e645 and d042035eaf5f by Peter Xu (5.9-rc7, 27 September 2020).
Claim: a pin survives fork. Cost: a copy at fork for each pinned page. Breaks `coherent` where
GUP-fast takes a pin while fork looks (closed by 57efa1fe5957), and wherever 5.10 breaks it.
"""

PARTS = [
    "no-memfd-secret",
    "reuse-by-refcount",
    "huge-reuse-by-mapcount",
    "fork-copies-whatever-is-pinned",
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
