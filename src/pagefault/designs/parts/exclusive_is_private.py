"""Exclusive memory is a private mapping that is not locked, and has no limit."""

from pagefault.consts import VM_EXCLUSIVE, VM_SHARED


def secretmem_mmap(st, mm, vm_flags, nr_pages):
    return vm_flags & ~VM_SHARED | VM_EXCLUSIVE
