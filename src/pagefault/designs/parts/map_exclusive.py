"""mmap(MAP_EXCLUSIVE): anonymous private memory that is populated at once and locked.

RFC by Mike Rapoport, 27 October 2019. GUP by others is not refused.
"""

from pagefault.consts import EAGAIN, VM_EXCLUSIVE, VM_SHARED
from pagefault.mm.secretmem import mlock_future_ok, secretmem_vm_flags


def secretmem_mmap(st, mm, vm_flags, nr_pages):
    if not mlock_future_ok(st, mm, nr_pages):
        return -EAGAIN
    return vm_flags & ~VM_SHARED | VM_EXCLUSIVE | secretmem_vm_flags()


def secretmem_populates():
    return 1


def hibernation_is_refused(st):
    return 0
