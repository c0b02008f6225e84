"""Linux 6.0 on a machine whose TLB flushes are no interrupts, such as arm64.

As linux-6.1, where GUP-fast and collapse know nothing of each other: commits 70cbc3cc78a9 and
2ba99c5e0881 (6.1) are missing. Breaks `coherent`: a pin may be of a page that a collapse leaves
behind.
"""

PARTS = [
    "secretmem-frees-before-it-restores",
    "gup-fast-takes-fresh-secretmem",
    "build-id-reads-secretmem",
    "move-pages-asks-gup",
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
    "flushes-by-broadcast",
    "collapse-trusts-the-flush",
    "gup-fast-looks-at-the-pte-alone",
    "lazyfree-huge-pages-are-split",
    "migration-keeps-huge-pages-whole",
    "split-keeps-zeros",
    "move-pages-says-efault",
    "uffd-looks-before-it-prepares",
]
