"""A child gets exclusive memory as it gets any private memory: copied when either stores.

What Andy Lutomirski asked of MAP_PRIVATE with MAP_EXCLUSIVE (October 2019). The kernel copies by
the direct map, and what it copies to is ordinary memory.
"""

from pagefault.consts import VM_LOCKED


def secretmem_vm_flags():
    return VM_LOCKED
