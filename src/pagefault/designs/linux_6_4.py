"""Linux 6.4.0 to 6.4.2: mainline's copy-on-write, with faults that fork does not hold up.

Per-VMA locks by Suren Baghdasaryan. Claim: faults of threads scale. Breaks `no-lost-write`: a fault
copies a page that fork has write-protected while another thread still stores by its old TLB entry
(found July 2023, fixed by fb49c455323f in 6.4.3 and 6.5: fork locks every VMA).
"""

PARTS = [
    "secretmem-frees-before-it-restores",
    "gup-fast-takes-fresh-secretmem",
    "build-id-reads-secretmem",
    "move-pages-asks-gup",
    "faults-under-vma-locks",
    "fork-locks-no-vma",
    "swapin-claims-nothing",
    "o-direct-takes-references",
    "numa-skips-what-has-references",
    "mremap-keeps-uffd-wp",
    "kpageflags-tells-ksm",
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
