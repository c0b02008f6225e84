"""UFFDIO_MOVE does not look for pins."""


def move_refuses_pinned(st, pfn):
    return 0
