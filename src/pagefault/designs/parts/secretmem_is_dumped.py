"""A secret VMA is not VM_DONTDUMP: the flag left out.

Nobody proposed it. Claim: nothing breaks, for a core dump goes by GUP, which is refused; zeros are
dumped.
"""

from pagefault.consts import VM_LOCKED


def secretmem_vm_flags():
    return VM_LOCKED
