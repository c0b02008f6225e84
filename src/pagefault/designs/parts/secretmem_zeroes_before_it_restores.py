"""A secret page is zeroed while it still is out of the direct map, as if that needed no mapping.

Nobody proposed it: the other order of secretmem_free_folio(), which closes the window in which
freed secrets are in the direct map and opens an oops, for the kernel has no other mapping to zero
it by. Breaks `no-oops`.
"""

from pagefault.hw.direct_map import set_direct_map_default_noflush
from pagefault.mm.page_alloc import clear_highpage


def secretmem_free_folio(st, t, pfn):
    clear_highpage(st, pfn)
    yield "zeroed, out of the direct map"
    set_direct_map_default_noflush(st, pfn)
