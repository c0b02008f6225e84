"""Pages with equal contents are merged into one. Models mm/ksm.c.

A scan looks at each mergeable page once: is there a KSM page that equals it (stable tree), or a
page that the scan met before (unstable tree)? A page that merges is write-protected, compared and
replaced; whoever writes it later gets a copy.

Left out: checksums, so that a page which changes all the time is tried as others are; the trees'
order and the limit of sharing; the zero page, which KSM uses only if asked to; pages that forks
share, which only count as merged; advisors. Whoever asks for a scan does what ksmd would.
"""

from pagefault.consts import (
    EFAULT,
    FAULT_FLAG_REMOTE,
    FAULT_FLAG_UNSHARE,
    NR_VPN,
    PG_DIRTY,
    PG_KSM,
    VM_MERGEABLE,
)
from pagefault.hw.monitor import observe_merged, observe_rmap_removed
from pagefault.hw.pgtable import (
    is_migration_entry,
    mk_pte,
    pte_dirty,
    pte_maps,
    pte_mkclean,
    pte_pfn,
    pte_present,
    pte_write,
    pte_wrprotect,
    ptep_get,
    set_pte_at,
)
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.folio_lock import folio_trylock, folio_unlock
from pagefault.mm.huge_memory import leaves_out_huge_pages
from pagefault.mm.internal import vm_normal_page, vma_page_prot
from pagefault.mm.memory import handle_mm_fault
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.mmu_gather import mm_tlb_flush_pending
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    folio_get,
    folio_put,
    folio_test_anon,
    folio_test_ksm,
    pages_identical,
)
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import (
    PageAnonExclusive,
    folio_add_anon_rmap_pte,
    folio_remove_rmap_pte,
    folio_try_share_anon_rmap_pte,
)
from pagefault.mm.swap_state import folio_free_swap

# --- write-protect and replace -----------------------------------------------------------------


def write_protect_must_clear(st, mm, pte):
    """mm/ksm.c write_protect_page(), v6.12: whether the page can be written, or some CPU may still
    be able to by a translation from before (since 4.13, commit b3a81d0841a9)."""
    exclusive = PageAnonExclusive(st, pte_pfn(pte))
    return pte_write(pte) or pte_dirty(pte) or exclusive or mm_tlb_flush_pending(st, mm)


def ksm_sees_other_references(st, pfn):
    """mm/ksm.c write_protect_page(), v6.12: somebody besides the PTEs, the swap cache and the scan
    has a reference, O_DIRECT for instance, and may write."""
    in_swap_cache = st.folio[pfn].swap != 0
    return st.page[pfn].mapcount + 1 + in_swap_cache != st.folio[pfn].refcount


def write_protect_page(st, t, mm, vpn, pfn):
    """mm/ksm.c write_protect_page(), v6.12: the PTE that is there then, clean and read-only; 0
    where the page may not be merged. Locks: mmap_lock for reading and the folio lock held."""
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    pte = yield from write_protect_pte(st, t, mm, vpn, pfn)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return pte


def write_protect_pte(st, t, mm, vpn, pfn):
    """mm/ksm.c write_protect_page(), v6.12: what it does while notifiers know that it is at it.
    Locks: takes the PTL."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return 0
    pte = ptep_get(st, mm, vpn)
    if not pte_maps(pte, pfn):
        pte_unmap_unlock(st, mm, vpn)
        return 0
    if write_protect_must_clear(st, mm, pte):
        pte = yield from clear_pte_to_share(st, t, mm, vpn, pfn)
        if pte == 0:
            pte_unmap_unlock(st, mm, vpn)
            return 0
        if pte_dirty(pte):
            st.folio[pfn].pg_flags |= PG_DIRTY
        pte = pte_wrprotect(pte_mkclean(pte))
        set_pte_at(st, mm, vpn, pte)
    pte_unmap_unlock(st, mm, vpn)
    return pte


def clear_pte_to_share(st, t, mm, vpn, pfn):
    """mm/ksm.c write_protect_page(), v6.12: the PTE is cleared and flushed before references are
    counted, so that nobody takes one afterwards. The old PTE, or 0 where it had to be put back."""
    anon_exclusive = PageAnonExclusive(st, pfn)
    pte = yield from ptep_clear_flush(st, t, mm, vpn)
    if ksm_must_not_share(st, pfn, anon_exclusive):
        set_pte_at(st, mm, vpn, pte)
        return 0
    return pte


def ksm_must_not_share(st, pfn, anon_exclusive):
    """mm/ksm.c write_protect_page(), v6.12: both questions. If neither
    objects, the page is no longer anon-exclusive."""
    if ksm_sees_other_references(st, pfn):
        return 1
    return anon_exclusive and folio_try_share_anon_rmap_pte(st, pfn) != 0


def ksm_may_take(st, pfn):
    """Whether a page that is write-protected by now may become a KSM page, or give way to one.
    v6.12 asks nothing more: what is not anon-exclusive cannot be pinned any more."""
    return 1


def replace_page(st, t, mm, vpn, k_pfn, orig_pte):
    """mm/ksm.c replace_page(), v6.12: map the KSM page instead, if the PTE is still as it was left:
    0 or -EFAULT. Locks: mmap_lock for reading and the old folio's lock held."""
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    ret = -EFAULT
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if locked:
        if ptep_get(st, mm, vpn) == orig_pte and ksm_may_take(st, pte_pfn(orig_pte)):
            folio_get(st, k_pfn)
            folio_add_anon_rmap_pte(st, k_pfn, 0)
            observe_merged(st, k_pfn, pte_pfn(orig_pte))
            yield from ptep_clear_flush(st, t, mm, vpn)
            set_pte_at(st, mm, vpn, merged_pte(st, mm, vpn, k_pfn, orig_pte))
            drop_replaced_page(st, mm, vpn, pte_pfn(orig_pte))
            ret = 0
        pte_unmap_unlock(st, mm, vpn)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return ret


def merged_pte(st, mm, vpn, k_pfn, orig_pte):
    """mm/ksm.c replace_page(), v6.12: the VMA's protection and nothing of the PTE before, so that
    neither soft-dirty nor what userfaultfd protects is known any more."""
    return mk_pte(k_pfn, vma_page_prot(st, mm, vpn))


def drop_replaced_page(st, mm, vpn, pfn):
    """The PTE's mapping and reference go, and the swap slot if the page is mapped nowhere else."""
    folio_remove_rmap_pte(st, pfn)
    observe_rmap_removed(st, mm, vpn, pfn)
    if st.page[pfn].mapcount == 0:
        folio_free_swap(st, pfn)
    folio_put(st, pfn)


# --- merge -------------------------------------------------------------------------------------


def try_to_merge_one_page(st, t, mm, vpn, pfn, k_pfn):
    """mm/ksm.c try_to_merge_one_page(), v6.12: map `k_pfn` where `pfn` is, or make `pfn` itself a
    KSM page if `k_pfn` is -1: 0 or -EFAULT. Locks: mmap_lock held for reading; tries the folio
    lock."""
    if pfn == k_pfn:
        return 0
    yield "page found, folio not locked"
    if not folio_trylock(st, t, pfn):
        return -EFAULT
    ret = -EFAULT
    orig_pte = yield from write_protect_page(st, t, mm, vpn, pfn)
    if orig_pte != 0:
        yield "write-protected, not compared"
        if k_pfn < 0:
            if ksm_may_take(st, pfn):
                st.folio[pfn].pg_flags |= PG_KSM | PG_DIRTY
                ret = 0
        elif pages_identical(st, pfn, k_pfn):
            ret = yield from replace_page(st, t, mm, vpn, k_pfn, orig_pte)
    folio_unlock(st, pfn)
    return ret


def find_mergeable_vma(st, mm, vpn):
    """mm/ksm.c find_mergeable_vma(), v6.12: KSM may touch this page."""
    return st.mm[mm].mm_users != 0 and st.mm[mm].vma[vpn].vm_flags & VM_MERGEABLE


def try_to_merge_with_ksm_page(st, t, mm, vpn, pfn, k_pfn):
    """mm/ksm.c try_to_merge_with_ksm_page(), v6.12. Locks: takes mmap_lock for reading."""
    ret = -EFAULT
    yield from mmap_read_lock(st, t, mm)
    if find_mergeable_vma(st, mm, vpn):
        ret = yield from try_to_merge_one_page(st, t, mm, vpn, pfn, k_pfn)
    mmap_read_unlock(st, mm)
    return ret


def try_to_merge_two_pages(st, t, place, pfn, tree_place, tree_pfn):
    """mm/ksm.c try_to_merge_two_pages(), v6.12: the first becomes a KSM page, which the second is
    replaced by. If that fails, the first is undone."""
    err = yield from try_to_merge_with_ksm_page(st, t, place // NR_VPN, place % NR_VPN, pfn, -1)
    if err == 0:
        err = yield from try_to_merge_with_ksm_page(
            st, t, tree_place // NR_VPN, tree_place % NR_VPN, tree_pfn, pfn
        )
        if err != 0:
            yield from break_cow(st, t, place // NR_VPN, place % NR_VPN)


def get_mergeable_page(st, t, mm, vpn):
    """mm/ksm.c get_mergeable_page(), v6.12: the anonymous page that is there, with a reference, or
    -1. Locks: takes mmap_lock for reading and the PTL."""
    yield from mmap_read_lock(st, t, mm)
    pfn = -1
    if find_mergeable_vma(st, mm, vpn):
        leaves_out_huge_pages(st, mm, vpn)
        locked = yield from pte_offset_map_lock(st, t, mm, vpn)
        if locked:
            pte = ptep_get(st, mm, vpn)
            if pte_present(pte) and vm_normal_page(pte) and folio_test_anon(st, pte_pfn(pte)):
                pfn = pte_pfn(pte)
                folio_get(st, pfn)
            pte_unmap_unlock(st, mm, vpn)
    mmap_read_unlock(st, mm)
    return pfn


def stable_tree_search(st, pfn):
    """mm/ksm.c stable_tree_search(), v6.12: the KSM page that equals `pfn`, with a reference; or
    -1."""
    for place in range(st.nr_mms * NR_VPN):
        pte = ptep_get(st, place // NR_VPN, place % NR_VPN)
        if pte_present(pte) and folio_test_ksm(st, pte_pfn(pte)):
            if pages_identical(st, pte_pfn(pte), pfn):
                folio_get(st, pte_pfn(pte))
                return pte_pfn(pte)
    return -1


def unstable_tree_search(st, place, pfn):
    """mm/ksm.c unstable_tree_search_insert(), v6.12: a place that the scan has met before with a
    page that equals `pfn`, and is another; or -1."""
    for other in range(place):
        pte = ptep_get(st, other // NR_VPN, other % NR_VPN)
        if pte_present(pte) and find_mergeable_vma(st, other // NR_VPN, other % NR_VPN):
            if pte_pfn(pte) != pfn and folio_test_anon(st, pte_pfn(pte)):
                if pages_identical(st, pte_pfn(pte), pfn):
                    return other
    return -1


def cmp_and_merge_page(st, t, place, pfn):
    """mm/ksm.c cmp_and_merge_page(), v6.12, of the page that was found at mm * NR_VPN + vpn."""
    if folio_test_ksm(st, pfn):
        return
    yield "looks for an equal page"
    k_pfn = stable_tree_search(st, pfn)
    if k_pfn >= 0:
        yield from try_to_merge_with_ksm_page(st, t, place // NR_VPN, place % NR_VPN, pfn, k_pfn)
        folio_put(st, k_pfn)
        return
    tree_place = unstable_tree_search(st, place, pfn)
    if tree_place < 0:
        return
    tree_pfn = yield from get_mergeable_page(st, t, tree_place // NR_VPN, tree_place % NR_VPN)
    if tree_pfn < 0:
        return
    if tree_pfn != pfn and pages_identical(st, tree_pfn, pfn):
        yield from try_to_merge_two_pages(st, t, place, pfn, tree_place, tree_pfn)
    folio_put(st, tree_pfn)


def sys_ksm(st, t):
    """mm/ksm.c ksm_do_scan(), v6.12: each mergeable page of all address spaces, once."""
    for place in range(st.nr_mms * NR_VPN):
        if find_mergeable_vma(st, place // NR_VPN, place % NR_VPN):
            pfn = yield from get_mergeable_page(st, t, place // NR_VPN, place % NR_VPN)
            if pfn >= 0:
                yield from cmp_and_merge_page(st, t, place, pfn)
                folio_put(st, pfn)
    return 0


# --- unmerge -----------------------------------------------------------------------------------


def maps_ksm_page(st, mm, vpn):
    """A KSM page is mapped here, or one that is migrating."""
    pte = ptep_get(st, mm, vpn)
    return (pte_present(pte) or is_migration_entry(pte)) and folio_test_ksm(st, pte_pfn(pte))


def break_ksm(st, t, mm, vpn):
    """mm/ksm.c break_ksm(), v6.12: give this address a page of its own again. Locks: mmap_lock
    held."""
    yield "not looked at yet"
    while maps_ksm_page(st, mm, vpn):
        yield from handle_mm_fault(st, t, mm, vpn, FAULT_FLAG_UNSHARE | FAULT_FLAG_REMOTE)


def break_cow(st, t, mm, vpn):
    """mm/ksm.c break_cow(), v6.12: undo. Locks: takes mmap_lock for reading."""
    yield from mmap_read_lock(st, t, mm)
    if find_mergeable_vma(st, mm, vpn):
        yield from break_ksm(st, t, mm, vpn)
    mmap_read_unlock(st, mm)


def unmerge_ksm_pages(st, t, mm, start, end):
    """mm/ksm.c unmerge_ksm_pages(), v6.12, of the mergeable pages of a range. Locks: mmap_lock held
    for writing."""
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].vm_flags & VM_MERGEABLE:
            yield from break_ksm(st, t, mm, vpn)
