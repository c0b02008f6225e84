"""Module text makes a large entry of its block, and looks at no page but its own.

Nobody proposed it; it is what the look of cpa_collapse_large_pages() (6.15) is for. What another
has taken out of the block comes back: breaks both contracts of secret memory.
"""


def rox_joins(st):
    return 1
