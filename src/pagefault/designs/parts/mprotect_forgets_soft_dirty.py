"""mprotect() back to writable needs no fault, though one was to tell of the next write: 6.0-rc.

Between commits 64fe24a3e05e and 76aefad628aa.
"""


def pte_needs_soft_dirty_wp(st, mm, vpn, pte):
    return 0
