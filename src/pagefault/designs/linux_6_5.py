"""Linux 6.5: mainline's copy-on-write, and O_DIRECT pins: fork copies what a disk still reads into.

Commits 1ccf164ec866 by David Howells (O_DIRECT takes FOLL_PIN), 8ac268436e6d and a6e79df92e4a by
Lorenzo Stoakes (no long-term pin for writing of a shared file on a disk) and fb49c455323f by Suren
Baghdasaryan (fork locks every VMA). Breaks `no-lost-write` where two faults read one slot past the
swap cache (CVE-2024-26759, until 6.8).
"""

PARTS = [
    "secretmem-frees-before-it-restores",
    "gup-fast-takes-fresh-secretmem",
    "build-id-reads-secretmem",
    "move-pages-asks-gup",
    "swapin-claims-nothing",
    "numa-skips-what-has-references",
    "mremap-keeps-uffd-wp",
    "kpageflags-tells-ksm",
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
