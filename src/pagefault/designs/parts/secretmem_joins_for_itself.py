"""secretmem makes a large entry again when none of its own pages is out of the block.

Each user of the direct map for itself, as in 2019: XPFO, SEV, secret memory and module text all
poked at it (Dave Hansen: one design is needed). What another has taken out comes back.
"""

from pagefault.consts import PG_ANON
from pagefault.hw.direct_map import kernel_page_present
from pagefault.mm.secretmem import folio_is_secretmem


def block_is_joined(st, pfn):
    if st.folio[pfn].pg_flags & PG_ANON:
        return 0
    for other_pfn in range(st.nr_pfns):
        if folio_is_secretmem(st, other_pfn) and not kernel_page_present(st, other_pfn):
            return 0
    return 1
