"""Drivers map PFNs and nobody counts: option 2 of the thread about vmalloc and memdescs.

Matthew Wilcox on linux-mm, 6 December 2024: insert PFNs, trust drivers not to free what is mapped,
and have no GUP of it. He called it risky: a driver's bug lets a process reach whatever the page is
used for next.
"""


def maps_pfns(st, file):
    return 1
