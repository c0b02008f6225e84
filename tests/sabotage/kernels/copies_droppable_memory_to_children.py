"""Droppable memory is copied by fork as any other is."""

from pagefault.consts import VM_DONTDUMP, VM_DROPPABLE


def droppable_vm_flags():
    return VM_DROPPABLE | VM_DONTDUMP
