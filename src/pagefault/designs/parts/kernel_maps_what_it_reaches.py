"""The kernel maps a page of XPFO back while it works on it: kmap() and kunmap(), here one step.

XPFO, xpfo_kmap(), v9: so nothing of its own is refused and nothing oopses. A page that is free is
mapped again (xpfo_free_pages()), for its next owner may be the kernel.
"""

from pagefault.consts import PG_ANON
from pagefault.hw.direct_map import set_direct_map_default_noflush


def kernel_maps_back(st, pfn):
    return st.folio[pfn].pg_flags & PG_ANON


def arch_free_page(st, pfn):
    if st.folio[pfn].pg_flags & PG_ANON:
        set_direct_map_default_noflush(st, pfn)
