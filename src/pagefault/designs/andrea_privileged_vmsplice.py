"""Andrea Arcangeli's position of January 2021: mapcount as before 5.9, and vmsplice privileged.

linux-mm, "page_count can't be used to decide when wp_page_copy": the page count makes every
write-protection of memory under a reference lose it, so go back to the mapcount, keep fork's early
copy, and take vmsplice from those without privilege, the one way to keep a reference for as long as
one likes (long-term pins would follow mmu notifiers instead). Cost: programs that use vmsplice.
Breaks `private` for a reference that lasts, however it was taken, and `coherent` for a pin for
reading of a shared page.
"""

PARTS = [
    "reuse-by-mapcount",
    "huge-reuse-by-mapcount",
    "vmsplice-needs-privilege",
    "fork-copies-whatever-is-pinned",
    "no-unshare",
    "mprotect-never-upgrades",
    "mprotect-always-flushes",
    "swapin-by-mapcount",
    "clear-refs-write-protects-what-is-pinned",
    "o-direct-takes-references",
    "foll-cow",
    "numa-skips-what-is-shared",
    "numa-saves-the-write-bit",
    "mremap-keeps-uffd-wp",
    "zap-removes-rmap-before-the-flush",
    "longterm-writes-to-files",
]
