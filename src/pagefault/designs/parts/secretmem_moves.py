"""A secret page may move: secretmem_migrate_folio() left out.

Nobody proposed it; what it shows is what the function is for. The kernel copies by the direct
map, into a frame that is still there, and nobody zeroes the old one. Breaks `no-oops` and both
contracts.
"""


def secretmem_refuses_to_move(st, pfn):
    return 0
