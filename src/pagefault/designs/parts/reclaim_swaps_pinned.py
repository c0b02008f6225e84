"""Reclaim gives a slot in swap to a folio that may be pinned, and unmaps it.

Before 5.11 and 5.10.y, commit feb889fb40fa by Linus Torvalds. A folio with references is not freed,
so a device keeps it; whether its owner finds it again is up to the rules of write faults.
"""


def reclaim_keeps_pinned(st, pfn):
    return 0
