"""A character device hands out exclusive pages, by special entries that GUP does not know.

/dev/exclusive_memory, an idea of October 2019: who may open the node may have such memory, no VMA
flag is new, all is in the device's fault(). No limit is in it.
"""

from pagefault.consts import VM_DONTDUMP, VM_PFNMAP


def secretmem_vm_flags():
    return VM_PFNMAP | VM_DONTDUMP


def hibernation_is_refused(st):
    return 0
