"""Linux 6.0 on a machine that reorders memory accesses: GUP-fast may pin what KSM shares.

PageAnonExclusive since 5.19, without commit 088b8aa537c2 (6.1) by David Hildenbrand: who clears the
flag and who pins by it were not ordered. Breaks `coherent`: the pin ends up on a page that is not
exclusive, and the next write moves its owner away. x86 does not reorder so far.
"""

PARTS = [
    "secretmem-frees-before-it-restores",
    "gup-fast-takes-fresh-secretmem",
    "build-id-reads-secretmem",
    "move-pages-asks-gup",
    "ksm-asks-before-it-clears",
    "no-unshare-of-the-zero-page",
    "uffd-unprotect-leaves-a-fault",
    "swapin-claims-nothing",
    "o-direct-takes-references",
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
