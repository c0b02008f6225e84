"""clear_refs walks under mmap_lock for reading: before 5.11 and its backport to 5.10.y.

Before commit 29a951dfb3c3 by Linus Torvalds. Write faults of other threads go on meanwhile.
"""

from pagefault.consts import VM_SOFTDIRTY
from pagefault.mm.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_downgrade,
    mmap_write_lock,
)
from pagefault.mm.task_mmu import clear_vm_softdirty


def clear_refs_lock(st, t, mm):
    yield from mmap_read_lock(st, t, mm)
    if _any_vm_softdirty(st, mm):
        mmap_read_unlock(st, mm)
        yield from mmap_write_lock(st, t, mm)
        clear_vm_softdirty(st, mm)
        mmap_write_downgrade(st, mm)


def _any_vm_softdirty(st, mm):
    for vpn in range(st.nr_vpns):
        if st.mm[mm].vma[vpn].vm_flags & VM_SOFTDIRTY:
            return 1
    return 0


def clear_refs_unlock(st, mm):
    mmap_read_unlock(st, mm)
