"""Linux 7.2 of late: as 6.18, with pages of memfd_secret() charged when they are allocated.

Commit 97d34aa65c29 (7.3-rc2, CVE-2026-93243), which 7.2.13 has: seen in the kernel that runs, by
`pagefault conform -k 7`. Keeps `within-memlock`, which mainline breaks.
"""

PARTS = [
    "mremap-moves-several-vmas",
    "vma-takes-the-anon-vma-of-its-neighbour",
    "kpageflags-tells-ksm",
    "secretmem-charges-pages",
    "uprobes-write-in-place",
]
