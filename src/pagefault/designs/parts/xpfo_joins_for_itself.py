"""XPFO makes a large entry again when none of its own pages is out of the block.

Nobody proposed it; it is what each user of the direct map for itself would come to. What another
has taken out comes back: breaks both contracts of secret memory.
"""

from pagefault.consts import PG_ANON
from pagefault.hw.direct_map import kernel_page_present


def block_is_joined(st, pfn):
    if not st.folio[pfn].pg_flags & PG_ANON:
        return 0
    for other_pfn in range(st.nr_pfns):
        if st.folio[other_pfn].pg_flags & PG_ANON and not kernel_page_present(st, other_pfn):
            return 0
    return 1
