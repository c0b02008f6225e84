"""A secret VMA is not VM_LOCKED, and nothing is charged: the flag left out.

Nobody proposed it so; what it shows is what VM_LOCKED is for. Breaks `within-memlock`.
"""

from pagefault.consts import VM_DONTDUMP


def secretmem_vm_flags():
    return VM_DONTDUMP
