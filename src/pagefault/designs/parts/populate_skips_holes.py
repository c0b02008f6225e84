"""MADV_POPULATE_READ and MADV_POPULATE_WRITE go on behind a hole, as other advices do: 5.14 to 6.8.

Before commit 631426ba1d45 by David Hildenbrand (6.9), madvise_walk_vmas() called it for each VMA.
"""

from pagefault.consts import EINVAL


def populate_goes_on(ret):
    return ret != -EINVAL
