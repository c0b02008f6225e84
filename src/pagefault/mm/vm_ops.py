"""What a mapping's own operations do where files differ. Models vm_ops of include/linux/mm.h."""

from pagefault.mm.bpf import arena_vm_fault, vma_is_arena
from pagefault.mm.filemap import filemap_fault
from pagefault.mm.perf import perf_mmap_fault, vma_is_perf
from pagefault.mm.secretmem import secretmem_fault, vma_is_secretmem


def __do_fault(st, t, mm, vpn, fault_flags):
    """mm/memory.c __do_fault(), v6.12: vm_ops->fault() of the mapping. The folio, locked and with a
    reference, or the negative of VM_FAULT_* bits. Locks: mmap_lock held for reading."""
    if vma_is_secretmem(st, mm, vpn):
        return (yield from secretmem_fault(st, t, mm, vpn, fault_flags))
    if vma_is_perf(st, mm, vpn):
        return (yield from perf_mmap_fault(st, t, mm, vpn, fault_flags))
    if vma_is_arena(st, mm, vpn):
        return (yield from arena_vm_fault(st, t, mm, vpn))
    return (yield from filemap_fault(st, t, mm, vpn, fault_flags))
