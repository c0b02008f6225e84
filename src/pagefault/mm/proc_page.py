"""/proc/kpagecount and /proc/kpageflags: what root may ask about a frame. Models fs/proc/page.c.

The frame is found by /proc/self/pagemap first, and nothing holds it in between.
"""

from pagefault.consts import (
    EFAULT,
    KPF_ANON,
    KPF_KSM,
    KPF_SWAPBACKED,
    KPF_SWAPCACHE,
    KPF_ZERO_PAGE,
    PG_SWAPBACKED,
    VM_PFNMAP,
)
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.page_alloc import folio_test_anon, is_zero_pfn
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock


def frame_in_pagemap(st, t, vpn):
    """fs/proc/task_mmu.c pagemap_read(), v6.12, of one page of the caller's: its pfn, or -1. There
    is none in a PFN map (mm/pagewalk.c walk_page_test())."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    pfn = -1
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if locked:
        pfnmap = st.mm[mm].vma[vpn].vm_flags & VM_PFNMAP
        if pte_present(ptep_get(st, mm, vpn)) and not pfnmap:
            pfn = pte_pfn(ptep_get(st, mm, vpn))
        pte_unmap_unlock(st, mm, vpn)
    mmap_read_unlock(st, mm)
    return pfn


def sys_kpagecount(st, t, vpn):
    """fs/proc/page.c kpagecount_read(), v6.12, of the frame that a page has: its mapcount, or
    -EFAULT. The zero page's PTEs are not counted."""
    pfn = yield from frame_in_pagemap(st, t, vpn)
    if pfn < 0:
        return -EFAULT
    yield "frame known, not looked at yet"
    return st.page[pfn].mapcount


def sys_kpageflags(st, t, vpn, wanted):
    """fs/proc/page.c kpageflags_read(), v6.12, of the frame that a page has: 1 if it has one of the
    bits `wanted`, else 0, or -EFAULT."""
    pfn = yield from frame_in_pagemap(st, t, vpn)
    if pfn < 0:
        return -EFAULT
    yield "frame known, not looked at yet"
    return int(stable_page_flags(st, pfn) & wanted != 0)


def is_reported_as_ksm(st, pfn):
    """fs/proc/page.c stable_page_flags(), v6.12: every anonymous page, since 6.9 (commit
    dee3d0bef2b0): PAGE_MAPPING_KSM, which it looks for, has the bit PAGE_MAPPING_ANON in it."""
    return folio_test_anon(st, pfn)


def stable_page_flags(st, pfn):
    """fs/proc/page.c stable_page_flags(), v6.12: KPF_* bits. Left out: what no path here sets, and
    what other kernel threads may change at any time, such as the LRU's."""
    kpf = 0
    if folio_test_anon(st, pfn):
        kpf |= KPF_ANON
    if is_reported_as_ksm(st, pfn):
        kpf |= KPF_KSM
    if is_zero_pfn(pfn):
        kpf |= KPF_ZERO_PAGE
    if st.folio[pfn].pg_flags & PG_SWAPBACKED:
        kpf |= KPF_SWAPBACKED
        if st.folio[pfn].swap:
            kpf |= KPF_SWAPCACHE
    return kpf
