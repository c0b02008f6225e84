"""Pinning breaks copy-on-write, a pinned page never becomes copy-on-write again, else page count.

Linus Torvalds on linux-mm, December 2021, in the thread of "mm: support GUP-triggered unsharing via
FAULT_FLAG_UNSHARE", against every rule by mapcount. No PageAnonExclusive. Read here as: FOLL_PIN
takes a write fault first, fork copies what may be pinned, and a write fault keeps a page that may
be pinned. Claim: `private` and `coherent` for FOLL_PIN. Cost: a pin for reading copies what is
shared and fills what was never written. Breaks `private`: GUP-fast's pin makes a page look pinned
before GUP-fast has looked for fork, so that a write fault may keep a page that fork has just shared
(gup+pin-unpin+fork-store, grain step); a flag that is set at pin time and cleared by fork, which
PageAnonExclusive is, does not have this window.
"""

PARTS = [
    "pin-breaks-cow",
    "foll-cow",
    "reuse-by-refcount-or-pin",
    "fork-copies-whatever-is-pinned",
    "no-unshare",
    "mprotect-never-upgrades",
    "mprotect-always-flushes",
    "o-direct-takes-references",
    "numa-skips-what-is-shared",
    "numa-saves-the-write-bit",
    "mremap-keeps-uffd-wp",
    "zap-removes-rmap-before-the-flush",
    "longterm-writes-to-files",
]
