"""set_memory_rox() makes a large entry of a block where all pages are present and alike.

Commit 41d88484c71c, "x86/mm/pat: restore large ROX pages after fragmentation", 6.15: under
cpa_lock, cpa_collapse_large_pages(). Whoever has a page out of the block keeps it as it is.
"""

from pagefault.hw.direct_map import block_is_whole


def rox_joins(st):
    return block_is_whole(st)
