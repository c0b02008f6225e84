"""There is no memfd_secret(2): before 5.14, commit 1507f51255c9.

A mapping of a file that it would have made is -ENOSYS.
"""

from pagefault.consts import ENOSYS


def secretmem_mmap(st, mm, vm_flags, nr_pages):
    return -ENOSYS
