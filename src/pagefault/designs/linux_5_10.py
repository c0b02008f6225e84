"""Linux 5.10 as its stable series has it: a page is reused on write if it has one reference.

Commit 09854ba94c6a (5.9) by Linus Torvalds, fork's early copy 70e806e4e645 (5.9) by Peter Xu, and
write_protect_seq 57efa1fe5957 (5.11 and 5.10.y) by Jason Gunthorpe. Keeps `private`. Breaks
`coherent`: a pin is a reference, so a write fault copies the page away from under the device.
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
