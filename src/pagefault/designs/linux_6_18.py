"""Linux 6.18: as mainline, but mremap() moves several VMAs, and VMAs merge that 6.12 keeps apart.

The difference is seen in the kernel that runs, by `pagefault conform`: which VMAs there are decides
what mremap() refuses. Nothing that is promised hangs on it. And userfaultfd takes no droppable
memory, so that nothing in there comes to be swap-backed: `never-written-out` holds.
"""

PARTS = [
    "mremap-moves-several-vmas",
    "vma-takes-the-anon-vma-of-its-neighbour",
    "kpageflags-tells-ksm",
    "userfaultfd-refuses-droppable",
    "referenced-lazyfree-stays-so",
]
