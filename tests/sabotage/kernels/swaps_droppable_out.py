"""A page of droppable memory that could not go is swap-backed again, as those of MADV_FREE are."""


def failed_discard_rescues(st, mm, vpn, pfn):
    return 1
