"""Reclaim writes a folio to swap while a CPU may still store to it by its TLB."""


def try_to_unmap_flush_dirty(st, t):
    if 0:
        yield "never"
