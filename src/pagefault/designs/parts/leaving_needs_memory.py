"""The end of a GPU's job allocates memory before its fence signals.

The kernel's rule against it: Documentation/driver-api/dma-buf.rst, cross-driver contract: a fence
must signal without waiting for memory reclaim, for callbacks of mmu notifiers wait for fences.
"""


def leaving_needs_memory(st):
    return 1
