"""A dirty page of a file leaves the rmap before the TLBs are flushed: up to 6.1.

Who writes it back meanwhile takes it for one that nobody maps, and does not wait for the PTL: it
counts as clean, and a CPU can still write it. Mended in 6.2, commit 5df397dec7c4 by Linus Torvalds.
"""


def tlb_delay_rmap(st):
    return 0
