"""Linux 5.8: the mapcount rule, but GUP breaks copy-on-write before it hands out a page.

Commit 17839856fd58 by Linus Torvalds, after CVE-2020-29374; backported to 5.7.3 and before, and
gone again in 5.9. Keeps a child's reference from seeing the parent's writes. A reference taken
before fork is shared with the child all the same, so the reverse leak and the lost pin remain.
"""

PARTS = [
    "no-memfd-secret",
    "gup-breaks-cow",
    "foll-cow",
    "reuse-by-mapcount",
    "huge-reuse-by-mapcount",
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
