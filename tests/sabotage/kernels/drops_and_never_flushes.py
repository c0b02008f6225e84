"""Reclaim forgets the flush that it has put off."""


def try_to_unmap_flush(st, t):
    yield "never flushed"
