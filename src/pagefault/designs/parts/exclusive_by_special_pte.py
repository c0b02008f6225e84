"""An exclusive page is told by its PTE, a special one as of the zero page or of a device's memory.

In place of a page flag (Dave Hansen, October 2019: the bits of struct page and of a VMA are spent).
vm_normal_page() gives no page, so that GUP, HMM, KSM, reclaim, migration and fork() leave it alone
without a check of their own, and nobody keeps a reference, a mapcount or an rmap. The one entry
owns the page: whoever zaps it puts the page back into the direct map and frees it. What is faulted
in later is exclusive, too. The flush of the direct map is one step with the rest.
"""

from pagefault.consts import VM_EXCLUSIVE
from pagefault.hw.direct_map import (
    set_direct_map_default_noflush,
    set_direct_map_invalid_noflush,
)
from pagefault.hw.pgtable import pte_pfn
from pagefault.mm.mmu_gather import tlb_remove_folio
from pagefault.mm.page_alloc import is_zero_pfn


def maps_as_special(st, mm, vpn):
    return st.mm[mm].vma[vpn].vm_flags & VM_EXCLUSIVE != 0


def prepare_anon_folio(st, mm, vpn, pfn):
    if st.mm[mm].vma[vpn].vm_flags & VM_EXCLUSIVE:
        set_direct_map_invalid_noflush(st, pfn)
        st.direct_map[pfn].stale_cpus = 0


def special_pte_has_reference(st):
    return 1


def zap_special_pte(st, t, mm, vpn, pte):
    if is_zero_pfn(pte_pfn(pte)) or st.mm[mm].vma[vpn].vm_file:
        return
    set_direct_map_default_noflush(st, pte_pfn(pte))
    tlb_remove_folio(st, t, pte_pfn(pte))
