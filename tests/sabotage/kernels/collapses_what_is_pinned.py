"""Collapse does not ask who holds references."""


def is_refcount_suitable(st, pfn):
    return 1
