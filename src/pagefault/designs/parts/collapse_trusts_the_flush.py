"""Collapse takes a page table away without asking whether somebody walks it: up to 6.0.

The flush was thought to be an IPI. Fixed in 6.1 by commit 2ba99c5e0881 of Jann Horn, who calls
tlb_remove_table_sync_one(). Where flushes are IPIs it makes no difference.
"""


def tlb_remove_table_sync_one(st, t):
    yield "nobody asked who walks the table"
