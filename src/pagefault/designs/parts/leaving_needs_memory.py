"""The end of a GPU's job allocates memory before its fence signals.

The kernel's rule against it is in drivers/dma-buf/dma-fence.c, fence cross-driver contract: drivers
may wait for fences in callbacks of mmu notifiers, so what signals one may allocate with GFP_ATOMIC
at most.
"""


def leaving_needs_memory(st):
    return 1
