"""Linux 5.10 with a KVM that takes no page reference: Jason Gunthorpe's remark of 11 January 2021.

Claim: a write fault never copies a page only because a guest uses it. KVM of v6.12 still takes a
reference until the page is mapped, so a write fault at that moment copies.
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
    "kvm-by-hmm",
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
