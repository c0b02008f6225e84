"""Linux 6.1: PageAnonExclusive, but only anonymous pages are unshared for a pin.

As mainline, without commits 8d6a0ac09a16 and 84209e87c696 (6.2): a long-term pin for reading of a
page that was never written gets the zero page and keeps it. Breaks `coherent` there.
"""

PARTS = [
    "secretmem-frees-before-it-restores",
    "gup-fast-takes-fresh-secretmem",
    "build-id-reads-secretmem",
    "move-pages-asks-gup",
    "no-unshare-of-the-zero-page",
    "uffd-unprotect-leaves-a-fault",
    "o-direct-takes-references",
    "numa-skips-what-has-references",
    "numa-saves-the-write-bit",
    "mremap-keeps-uffd-wp",
    "migration-makes-soft-dirty",
    "kpageflags-tells-ksm",
    "zap-removes-rmap-before-the-flush",
    "longterm-writes-to-files",
    "populate-skips-holes",
    "pagemap-looks-at-the-first-page",
    "no-droppable-memory",
    "aging-rescues-lazyfree",
    "lazyfree-huge-pages-are-split",
    "migration-keeps-huge-pages-whole",
    "split-keeps-zeros",
    "move-pages-says-efault",
    "uffd-looks-before-it-prepares",
]
