"""A page comes back into the direct map when it is unmapped, as it is: the MAP_EXCLUSIVE RFC.

No flush is needed, and nothing is zeroed. Only the zap of a PTE does so: a huge page that is
unmapped whole goes back to the allocator without (`exclusive+huge-munmap-mmap-store`).
"""

from pagefault.consts import PG_SECRETMEM
from pagefault.hw.direct_map import set_direct_map_default_noflush


def zap_restores(st, pfn):
    if st.folio[pfn].pg_flags & PG_SECRETMEM:
        st.folio[pfn].pg_flags &= ~PG_SECRETMEM
        set_direct_map_default_noflush(st, pfn)
    return 1
