"""Linux 5.10 with user-map-gup-retries: a section looks again at the page table.

The kernel of January 2021, whose write faults copy what has a second reference, under one reading
of Jason Gunthorpe's user_map sketch of 11 January 2021. The part says what it claims and costs.
"""

PARTS = [
    "no-memfd-secret",
    "reuse-by-refcount",
    "huge-reuse-by-mapcount",
    "fork-copies-whatever-is-pinned",
    "no-unshare",
    "mprotect-never-upgrades",
    "mprotect-always-flushes",
    "swapin-by-mapcount",
    "o-direct-takes-references",
    "foll-cow",
    "numa-skips-what-is-shared",
    "numa-saves-the-write-bit",
    "mremap-keeps-uffd-wp",
    "pagemap-looks-at-the-first-page",
    "user-map-gup-retries",
    "kpageflags-tells-ksm",
    "zap-removes-rmap-before-the-flush",
    "longterm-writes-to-files",
    "no-droppable-memory",
    "poison-counts-references",
    "lazyfree-huge-pages-are-split",
    "migration-keeps-huge-pages-whole",
    "split-keeps-zeros",
    "splice-fills-holes",
    "move-pages-says-efault",
    "uffd-looks-before-it-prepares",
]
