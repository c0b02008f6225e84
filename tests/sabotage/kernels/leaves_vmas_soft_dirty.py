"""clear_refs cleans the PTEs only: a VMA that was soft-dirty stays so."""


def clear_vm_softdirty(st, mm):
    return
