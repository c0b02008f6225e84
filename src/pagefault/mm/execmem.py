"""Memory for code: modules, BPF programs, kprobes. Models mm/execmem.c, and vm_reset_perms() of
mm/vmalloc.c. One more user of the direct map: what runs is read-only there, and what is freed
leaves it for as long as the flush takes.

Left out: the address where the code runs; that its entry in the direct map is read-only; the cache
of blocks that are all code (6.13), which keeps it away from the pages of others.
"""

from pagefault.hw.direct_map import (
    flush_tlb_kernel_range,
    join_block,
    set_direct_map_default_noflush,
    set_direct_map_invalid_noflush,
)
from pagefault.mm.page_alloc import folio_alloc, folio_put


def rox_joins(st):
    """Whether set_memory_rox() makes one large entry of the block. Not in v6.12; since 6.15 where
    all pages are present and alike (cpa_collapse_large_pages())."""
    return 0


def set_memory_rox(st):
    """arch/x86/mm/pat/set_memory.c set_memory_rox(), v6.12. Under cpa_lock: one step."""
    if rox_joins(st):
        join_block(st)


def vm_reset_perms(st, t, pfn):
    """mm/vmalloc.c vm_reset_perms(), v6.12, of one page: nobody may reach it as it was, then it is
    as any other page. One flush for both addresses."""
    set_direct_map_invalid_noflush(st, pfn)
    yield "out of the direct map, not flushed"
    yield from flush_tlb_kernel_range(st, t, pfn)
    set_direct_map_default_noflush(st, pfn)


def sys_load_text(st, t):
    """mm/execmem.c execmem_alloc() and execmem_free(), v6.12, of a page of code: 0."""
    pfn = folio_alloc(st)
    yield "code written, not read-only"
    set_memory_rox(st)
    yield "code runs"
    yield from vm_reset_perms(st, t, pfn)
    folio_put(st, pfn)
    return 0
