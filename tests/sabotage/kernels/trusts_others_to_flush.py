"""A zap that finds nothing to clear flushes nothing, though another one may not have flushed yet.

Linux up to 4.12, before commits 99baac21e458 and 56236a59556c.
"""


def mm_tlb_flush_nested(st, mm):
    return 0
