"""KSM pages as other paths meet them. Models include/linux/ksm.h and what mm/ksm.c does for it."""

from pagefault.consts import PG_ANON
from pagefault.hw.pgtable import pte_maps, ptep_get
from pagefault.mm.folio_lock import folio_trylock
from pagefault.mm.page_alloc import copy_highpage, folio_alloc, folio_test_ksm


def mapped_at_another_index(st, mm, vpn, pfn):
    """The folio belongs to another place of an anon_vma: KSM had merged it, and reclaim forgot.

    Left out: that processes which are no relatives have no anon_vma in common; a folio that nobody
    maps any more.
    """
    index = vpn + st.mm[mm].vma[vpn].vm_pgoff
    for other in range(st.nr_mms):
        for i in range(st.nr_vpns):
            if pte_maps(ptep_get(st, other, i), pfn):
                return i + st.mm[other].vma[i].vm_pgoff != index
    return 0


def ksm_might_need_to_copy(st, t, mm, vpn, pfn):
    """mm/ksm.c ksm_might_need_to_copy(), v6.12: the folio that a fault finds in the swap cache, or
    a locked copy of it where the folio itself cannot be mapped. Locks: folio lock held."""
    if folio_test_ksm(st, pfn) or not st.folio[pfn].pg_flags & PG_ANON:
        return pfn
    if not mapped_at_another_index(st, mm, vpn, pfn):
        return pfn
    new_pfn = folio_alloc(st)
    copy_highpage(st, new_pfn, pfn)
    folio_trylock(st, t, new_pfn)
    return new_pfn
