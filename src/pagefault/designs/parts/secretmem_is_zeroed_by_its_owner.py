"""A secret page is zeroed by a mapping that only the freeing CPU has, and then restored.

A short-lived mapping local to one address space ("mermap", Brendan Jackman, v2 of 20 March 2026)
could do it. Claim: keeps `secret-does` to the end, which secretmem_free_folio() of v6.12 does not.
"""

from pagefault.hw.direct_map import set_direct_map_default_noflush
from pagefault.mm.page_alloc import forget_contents


def secretmem_free_folio(st, t, pfn):
    forget_contents(st, pfn)
    yield "zeroed, out of the direct map"
    set_direct_map_default_noflush(st, pfn)
