"""Linux 5.10 with a KVM whose entries keep a reference: what counting references costs guests.

The rule of 09854ba94c6a takes each reference for a reader who must not see the write. Keeps every
promise that 5.10 keeps: the copy is for nothing, and the guest faults once more.
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
    "kvm-keeps-references",
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
