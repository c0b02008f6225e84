"""Linux 5.19: PageAnonExclusive, and a pin for reading of a shared page unshares it first.

Commits 78fbe906cc90, 6c287605fd56, b6a2619c60b4, a7f226604170 by David Hildenbrand (COW fixes,
part 2). Claim: pins of anonymous memory stay coherent whatever write-protects it. Cost: a flag to
keep for each page. mprotect() back to writable still takes a write fault for each page (6.0 does
not, commit 64fe24a3e05e); breaks `coherent` where 6.1 does.
"""

PARTS = [
    "secretmem-frees-before-it-restores",
    "gup-fast-takes-fresh-secretmem",
    "build-id-reads-secretmem",
    "move-pages-asks-gup",
    "no-unshare-of-the-zero-page",
    "mprotect-never-upgrades",
    "swapin-claims-nothing",
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
