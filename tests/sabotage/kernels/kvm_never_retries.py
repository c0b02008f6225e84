"""A guest's fault maps what it looked up, whatever was invalidated meanwhile."""


def mmu_invalidate_retry(st, s, seq):
    return 0
