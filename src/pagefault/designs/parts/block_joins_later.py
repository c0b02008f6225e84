"""A large entry comes back some time after the block was found whole.

Nobody proposed it; what it shows is what cpa_lock is for, or a second look. Claim: as good as
block-joins-when-whole at grain op.
"""

from pagefault.hw.direct_map import block_is_whole, join_block, set_direct_map_default_noflush
from pagefault.mm.page_alloc import clear_highpage


def secretmem_free_folio(st, t, pfn):
    set_direct_map_default_noflush(st, pfn)
    is_whole = block_is_whole(st)
    yield "in the direct map again, not zeroed, not joined"
    if is_whole:
        join_block(st)
    clear_highpage(st, pfn)
