"""A secret page goes back to the allocator as it is: secretmem_free_folio() does not zero it.

So did the MAP_EXCLUSIVE RFC and, by its text, guest_memfd without direct map. Breaks `secret-is`:
the next owner of the folio finds what is in it.
"""

from pagefault.hw.direct_map import set_direct_map_default_noflush


def secretmem_free_folio(st, t, pfn):
    set_direct_map_default_noflush(st, pfn)
    yield "in the direct map again"
