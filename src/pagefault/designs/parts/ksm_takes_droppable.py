"""KSM may merge pages of droppable memory, where its owner says so.

Until 12 July 2024, when David Hildenbrand asked for it to be excluded:
what KSM keeps for a page may be swap-backed.
"""

from pagefault.consts import VM_MERGEABLE


def ksm_takes(vm_flags):
    return VM_MERGEABLE
