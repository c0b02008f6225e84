"""A child does not get exclusive memory: the VMA is VM_DONTCOPY, as in the MAP_EXCLUSIVE RFC."""

from pagefault.consts import VM_DONTCOPY, VM_LOCKED


def secretmem_vm_flags():
    return VM_LOCKED | VM_DONTCOPY
