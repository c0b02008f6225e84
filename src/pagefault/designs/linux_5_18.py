"""Linux 5.18: reuse by reference count, with the swap cache and the LRU batch counted right.

Commits 53a05ad9f21d, d4c470970d45, c145e0b47c77, 3bff7e3f1f16 by David Hildenbrand (COW fixes,
part 1). A page in the swap cache need not be copied any more, nor is one that somebody references
made writable when it comes from swap. For a page that never saw swap the rule is that of 5.10, so
what breaks is the same: `coherent`, wherever a pinned page becomes read-only for a while.
"""

PARTS = [
    "secretmem-races-truncate",
    "secretmem-frees-before-it-restores",
    "gup-fast-takes-fresh-secretmem",
    "build-id-reads-secretmem",
    "move-pages-asks-gup",
    "no-anon-exclusive",
    "swapin-for-a-write",
    "swapin-claims-nothing",
    "fork-copies-whatever-is-pinned",
    "no-unshare",
    "gpc-looks-at-the-wrong-count",
    "mprotect-never-upgrades",
    "mprotect-always-flushes",
    "o-direct-takes-references",
    "foll-cow",
    "numa-skips-what-has-references",
    "numa-saves-the-write-bit",
    "mremap-keeps-uffd-wp",
    "kpageflags-tells-ksm",
    "zap-removes-rmap-before-the-flush",
    "longterm-writes-to-files",
    "populate-skips-holes",
    "pagemap-looks-at-the-first-page",
    "no-droppable-memory",
    "lazyfree-huge-pages-are-split",
    "migration-keeps-huge-pages-whole",
    "split-keeps-zeros",
    "move-pages-says-efault",
    "uffd-looks-before-it-prepares",
]
