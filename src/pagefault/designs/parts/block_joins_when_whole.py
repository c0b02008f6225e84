"""A large entry comes back when no page is out of the block, whoever took it out.

As cpa_collapse_large_pages() asks since 6.15, all entries present and alike, in one step under
cpa_lock with the change.
"""

from pagefault.hw.direct_map import block_is_whole


def block_is_joined(st, pfn):
    return block_is_whole(st)
