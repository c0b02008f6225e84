"""A fault on a secret file and the first ftruncate() of it exclude each other by nothing.

memfd_secret(2) from 5.14 to before commit 84ac013046cc (5.19, 5.18.16): a page that is added
between the new i_size and the look at the page cache has its tail zeroed by the direct map, where
it is not any more. Breaks `no-oops`.
"""


def secretmem_fault_lock(st, t, file):
    yield "no invalidate_lock"


def secretmem_fault_unlock(st, file):
    return


def secretmem_setattr_lock(st, t, file):
    yield "no invalidate_lock"


def secretmem_setattr_unlock(st, file):
    return
