"""Nobody looks whether reclaim has put off a flush: 4.3 to 4.12, before commit 3ea277194daa.

By Mel Gorman, as Nadav Amit had reported it: mprotect() or munmap() finds a PTE that reclaim has
cleared, takes it that there is nothing to flush, and returns while other CPUs still use it.
"""


def batched_flush_is_pending(st, mm):
    return 0
