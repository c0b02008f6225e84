"""vfree() leaves the kernel's addresses alone as long as somebody counts on the allocation.

Option 3 of the thread about vmalloc and memdescs must choose, since the count is in vm_struct; with
this choice who has counted may use the address, too.
"""


def vfree_unmaps(st, v):
    return
