"""Who finds nothing to clear flushes nothing, though another one may not have flushed it yet.

Up to 4.12, before commits 99baac21e458 and 56236a59556c by Minchan Kim and Nadav Amit: of two
threads that drop one page, the second returns while its CPU still has the page in its TLB.
"""


def mm_tlb_flush_nested(st, mm):
    return 0
