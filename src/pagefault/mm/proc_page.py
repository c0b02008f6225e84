"""/proc/kpagecount and /proc/kpageflags: what root may ask about a frame. Models fs/proc/page.c.

The frame is found by /proc/self/pagemap first, and nothing holds it in between.
"""

from pagefault.consts import (
    EFAULT,
    KPF_ANON,
    KPF_KSM,
    KPF_SWAPBACKED,
    KPF_SWAPCACHE,
    KPF_THP,
    KPF_ZERO_PAGE,
    PAGE_PRESENT,
    PAGE_PSE,
    PG_SWAPBACKED,
    VM_PFNMAP,
)
from pagefault.hw.pgtable import mk_pte, pte_none, pte_pfn, pte_present, ptep_get
from pagefault.mm.huge_memory import maps_huge_zero_page
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.page_alloc import folio_test_anon, folio_test_large, is_zero_pfn, page_folio
from pagefault.mm.pgtable_generic import lock_entry, unlock_entry
from pagefault.mm.rmap import folio_precise_page_mapcount


def frame_in_pagemap(st, t, vpn):
    """fs/proc/task_mmu.c pagemap_read(), v6.12, of one page of the caller's: its frame, as
    an entry; 0 if it has none, as in a PFN map (mm/pagewalk.c walk_page_test()). PAGE_PSE says that
    it is of the huge zero page, which is the zero page in the model."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    pte = 0
    locked = yield from lock_entry(st, t, mm, vpn)
    if locked:
        pfnmap = st.mm[mm].vma[vpn].vm_flags & VM_PFNMAP
        if pte_present(ptep_get(st, mm, vpn)) and not pfnmap:
            pte = mk_pte(pte_pfn(ptep_get(st, mm, vpn)), PAGE_PRESENT)
            if maps_huge_zero_page(st, mm, vpn):
                pte |= PAGE_PSE
        unlock_entry(st, mm, vpn)
    mmap_read_unlock(st, mm)
    return pte


def sys_kpagecount(st, t, vpn):
    """fs/proc/page.c kpagecount_read(), v6.12, of the frame that a page has: its mapcount, or
    -EFAULT. The zero page's PTEs are not counted."""
    pte = yield from frame_in_pagemap(st, t, vpn)
    if pte_none(pte):
        return -EFAULT
    yield "frame known, not looked at yet"
    return folio_precise_page_mapcount(st, pte_pfn(pte))


def sys_kpageflags(st, t, vpn, wanted):
    """fs/proc/page.c kpageflags_read(), v6.12, of the frame that a page has: 1 if it has one of the
    bits `wanted`, else 0, or -EFAULT."""
    pte = yield from frame_in_pagemap(st, t, vpn)
    if pte_none(pte):
        return -EFAULT
    yield "frame known, not looked at yet"
    return int(stable_page_flags(st, pte) & wanted != 0)


def is_reported_as_ksm(st, pfn):
    """fs/proc/page.c stable_page_flags(), v6.12: every anonymous page, since 6.9 (commit
    dee3d0bef2b0): PAGE_MAPPING_KSM, which it looks for, has the bit PAGE_MAPPING_ANON in it."""
    return folio_test_anon(st, pfn)


def stable_page_flags(st, pte):
    """fs/proc/page.c stable_page_flags(), v6.12: KPF_* bits. Left out: what no path here sets, and
    what other kernel threads may change at any time, such as the LRU's."""
    pfn = pte_pfn(pte)
    kpf = 0
    if folio_test_anon(st, pfn):
        kpf |= KPF_ANON
    if is_reported_as_ksm(st, pfn):
        kpf |= KPF_KSM
    if folio_test_large(st, pfn) or pte & PAGE_PSE:
        kpf |= KPF_THP
    if is_zero_pfn(pfn):
        kpf |= KPF_ZERO_PAGE
    if st.folio[page_folio(st, pfn)].pg_flags & PG_SWAPBACKED:
        kpf |= KPF_SWAPBACKED
        if st.folio[pfn].swap:
            kpf |= KPF_SWAPCACHE
    return kpf
