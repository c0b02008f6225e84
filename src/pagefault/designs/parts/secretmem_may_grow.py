"""A secret file may be given another size: ftruncate() zeroes the tail of what was its last page.

memfd_secret(2) from 5.14 to before "fix panic when growing" by Axel Rasmussen (5.18, 5.17.4).
Breaks `no-oops`: the page is not in the direct map, by which it is zeroed.
"""


def secretmem_may_resize(st, file):
    return 1
