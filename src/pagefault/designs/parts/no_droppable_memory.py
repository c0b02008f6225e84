"""mmap() knows no MAP_DROPPABLE: -EINVAL, as for any type of mapping that there is not.

Up to 6.10, before commit 9651fcedf7b9 by Jason A. Donenfeld (6.11). Who asks learns it by that.
"""

from pagefault.consts import EINVAL


def droppable_vm_flags():
    return -EINVAL
