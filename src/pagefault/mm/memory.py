"""Page faults and copy-on-write: mm/memory.c. The core of the model: read do_wp_page() first.

What zaps stands in zap.py, what fork() copies in copy_range.py.
"""

from pagefault.consts import (
    BLOCKED,
    BUG_BAD_PTE,
    FAULT_FLAG_UNSHARE,
    FAULT_FLAG_WRITE,
    PAGE_SOFT_DIRTY,
    PAGE_SPECIAL,
    PAGE_UFFD_WP,
    VM_FAULT_FALLBACK,
    VM_FAULT_SIGBUS,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    ZERO_PFN,
)
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.monitor import observe_rmap_removed
from pagefault.hw.pgtable import (
    is_migration_entry,
    is_pte_marker,
    is_swap_pte,
    mk_pte,
    pte_mkdirty,
    pte_mkwrite,
    pte_mkyoung,
    pte_none,
    pte_pfn,
    pte_present,
    pte_protnone,
    pte_swp_exclusive,
    pte_to_swp_entry,
    pte_write,
    ptep_get,
    set_pte_at,
)
from pagefault.hw.tlb import flush_tlb_mm_range, ptep_clear_flush
from pagefault.mm.filemap import filemap_page_mkwrite, has_page_mkwrite
from pagefault.mm.folio_lock import folio_lock, folio_test_locked, folio_trylock, folio_unlock
from pagefault.mm.fs_userfaultfd import (
    handle_userfault,
    userfaultfd_missing,
    userfaultfd_pte_wp,
    userfaultfd_wp,
)
from pagefault.mm.huge_memory import handle_huge_pmd, may_map_huge_pmd
from pagefault.mm.internal import (
    __wp_page_copy_user,
    anon_page_prot,
    can_change_pte_writable,
    maybe_mkwrite,
    numa_saved_write,
    pte_modify,
    pte_needs_soft_dirty_wp,
    vma_is_accessible,
    vma_is_anonymous,
    vma_is_shared,
    vma_is_writable,
    vma_page_prot,
    wp_finds_folio,
)
from pagefault.mm.ksm_pages import ksm_might_need_to_copy
from pagefault.mm.memcontrol import fault_out_of_memory, mem_cgroup_charge
from pagefault.mm.migrate import migration_entry_wait
from pagefault.mm.mmu_gather import mm_tlb_flush_pending
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    copy_highpage,
    folio_alloc,
    folio_get,
    folio_mark_dirty,
    folio_put,
    folio_test_anon,
    folio_test_ksm,
    folio_test_large,
)
from pagefault.mm.page_io import swap_read_folio
from pagefault.mm.perf import mkwrite_refuses
from pagefault.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import (
    PageAnonExclusive,
    SetPageAnonExclusive,
    anon_vma_prepare,
    folio_add_anon_rmap_pte,
    folio_add_file_rmap_pte,
    folio_add_new_anon_rmap,
    folio_remove_rmap_pte,
)
from pagefault.mm.secretmem import is_poisoned, prepare_anon_folio
from pagefault.mm.swap_state import (
    folio_free_swap,
    free_swap_cache,
    skips_swap_cache,
    swap_cache_get_folio,
    swapin_readahead,
)
from pagefault.mm.swapfile import (
    slot_is_being_read,
    swap_free,
    swapcache_clear,
    swapcache_prepare,
)
from pagefault.mm.vm_ops import __do_fault

# --- faults ------------------------------------------------------------------------------------


def handle_mm_fault(st, t, mm, vpn, fault_flags):
    """mm/memory.c handle_mm_fault(), v6.12. Locks: mmap_lock held for reading.

    The caller has checked the VMA's permissions. Returns VM_FAULT_* bits; 0 means try again,
    VM_FAULT_RETRY that, too, with mmap_lock given back.
    """
    if may_map_huge_pmd(st, mm, vpn):
        ret = yield from handle_huge_pmd(st, t, mm, vpn, fault_flags)
        if not ret & VM_FAULT_FALLBACK:
            return ret
    orig_pte = ptep_get(st, mm, vpn)
    if pte_none(orig_pte) and st.mm[mm].vma[vpn].vm_file:
        return (yield from do_fault(st, t, mm, vpn, fault_flags))
    if pte_none(orig_pte):
        return (yield from do_anonymous_page(st, t, mm, vpn, fault_flags))
    if is_pte_marker(orig_pte):
        return VM_FAULT_SIGBUS  # handle_pte_marker(), or do_swap_page() of what is poisoned
    if is_migration_entry(orig_pte) or is_swap_pte(orig_pte):
        return (yield from do_swap_page(st, t, mm, vpn, orig_pte, fault_flags))
    VM_BUG_ON(st, not pte_present(orig_pte), BUG_BAD_PTE)
    return (yield from handle_pte_fault(st, t, mm, vpn, orig_pte, fault_flags))


def handle_pte_fault(st, t, mm, vpn, orig_pte, fault_flags):
    """mm/memory.c handle_pte_fault(), v6.12, for an entry that is present."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return 0
    if ptep_get(st, mm, vpn) != orig_pte:
        pte_unmap_unlock(st, mm, vpn)
        return 0

    if pte_protnone(orig_pte) and vma_is_accessible(st, mm, vpn):
        do_numa_page(st, mm, vpn, orig_pte)
        return 0
    if fault_flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE) and not pte_write(orig_pte):
        return (yield from do_wp_page(st, t, mm, vpn, orig_pte, fault_flags))

    pte = pte_mkyoung(orig_pte)
    if fault_flags & FAULT_FLAG_WRITE:
        pte = pte_mkdirty(pte)
    set_pte_at(st, mm, vpn, pte)
    pte_unmap_unlock(st, mm, vpn)
    return 0


def do_numa_page(st, mm, vpn, orig_pte):
    """mm/memory.c do_numa_page(), v6.12: the page is touched that a NUMA hint lies on. Left out:
    that it may migrate. Locks: PTL held on entry, released on return."""
    pte = pte_mkyoung(pte_modify(orig_pte, vma_page_prot(st, mm, vpn)))
    if numa_saved_write(orig_pte) or can_change_pte_writable(st, mm, vpn, pte):
        pte = pte_mkwrite(pte)
    set_pte_at(st, mm, vpn, pte)
    pte_unmap_unlock(st, mm, vpn)


def do_anonymous_page(st, t, mm, vpn, fault_flags):
    """mm/memory.c do_anonymous_page(), v6.12: the first touch."""
    pte_alloc(st, mm, vpn)
    if not fault_flags & FAULT_FLAG_WRITE and vma_is_anonymous(st, mm, vpn):
        yield from pte_offset_map_lock(st, t, mm, vpn)
        if pte_none(ptep_get(st, mm, vpn)):
            if userfaultfd_missing(st, mm, vpn):
                pte_unmap_unlock(st, mm, vpn)
                return (yield from handle_userfault(st, t, mm, vpn, fault_flags, VM_UFFD_MISSING))
            prot = vma_page_prot(st, mm, vpn)
            set_pte_at(st, mm, vpn, mk_pte(ZERO_PFN, prot | PAGE_SPECIAL))
        pte_unmap_unlock(st, mm, vpn)
        return 0

    anon_vma_prepare(st, mm, vpn)
    if not mem_cgroup_charge(st):
        return fault_out_of_memory(st, mm, vpn)
    new_pfn = folio_alloc(st)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    if pte_none(ptep_get(st, mm, vpn)):
        if userfaultfd_missing(st, mm, vpn):
            pte_unmap_unlock(st, mm, vpn)
            folio_put(st, new_pfn)
            return (yield from handle_userfault(st, t, mm, vpn, fault_flags, VM_UFFD_MISSING))
        set_anon_pte(st, mm, vpn, new_pfn, vma_is_writable(st, mm, vpn))
    else:
        folio_put(st, new_pfn)
    pte_unmap_unlock(st, mm, vpn)
    return 0


def set_anon_pte(st, mm, vpn, pfn, writable):
    """Map a new, exclusive anonymous folio; the mapping takes over the caller's reference."""
    pte = mk_pte(pfn, anon_page_prot(st, mm, vpn))
    if writable:
        pte = maybe_mkwrite(st, mm, vpn, pte_mkdirty(pte))
    prepare_anon_folio(st, mm, vpn, pfn)
    folio_add_new_anon_rmap(st, mm, vpn, pfn)
    set_pte_at(st, mm, vpn, pte)


# --- files -------------------------------------------------------------------------------------


def do_fault(st, t, mm, vpn, fault_flags):
    """mm/memory.c do_fault(), v6.12: the first touch of a page of a file."""
    if not fault_flags & FAULT_FLAG_WRITE:
        return (yield from do_read_fault(st, t, mm, vpn, fault_flags))
    if not vma_is_shared(st, mm, vpn):
        return (yield from do_cow_fault(st, t, mm, vpn, fault_flags))
    return (yield from do_shared_fault(st, t, mm, vpn, fault_flags))


def set_pte_range(st, mm, vpn, pfn, write):
    """mm/memory.c set_pte_range(), v6.12, of a page of the page cache."""
    pte = mk_pte(pfn, vma_page_prot(st, mm, vpn))
    if write:
        pte = maybe_mkwrite(st, mm, vpn, pte_mkdirty(pte))
    folio_add_file_rmap_pte(st, pfn)
    set_pte_at(st, mm, vpn, pte)


def finish_fault(st, t, mm, vpn, pfn, write):
    """mm/memory.c finish_fault(), v6.12: map the page, unless somebody was faster; 1 if it is, and
    the mapping has the caller's reference. Locks: folio lock held; takes the PTL."""
    pte_alloc(st, mm, vpn)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    mapped = 0
    if pte_none(ptep_get(st, mm, vpn)):
        set_pte_range(st, mm, vpn, pfn, write)
        mapped = 1
    pte_unmap_unlock(st, mm, vpn)
    return mapped


def do_read_fault(st, t, mm, vpn, fault_flags):
    """mm/memory.c do_read_fault(), v6.12. Left out: fault-around, which maps what the page cache
    has of the pages beside it."""
    pfn = yield from __do_fault(st, t, mm, vpn, fault_flags)
    if pfn < 0:
        return -pfn
    mapped = yield from finish_fault(st, t, mm, vpn, pfn, 0)
    folio_unlock(st, pfn)
    if not mapped:
        folio_put(st, pfn)
    return 0


def do_cow_fault(st, t, mm, vpn, fault_flags):
    """mm/memory.c do_cow_fault(), v6.12: a private mapping gets a copy at once. It is made under
    the folio lock, which holds nobody up who has the page mapped for writing."""
    anon_vma_prepare(st, mm, vpn)
    new_pfn = folio_alloc(st)
    pfn = yield from __do_fault(st, t, mm, vpn, fault_flags)
    if pfn < 0:
        folio_put(st, new_pfn)
        return -pfn
    copy_highpage(st, new_pfn, pfn)
    pte_alloc(st, mm, vpn)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    if pte_none(ptep_get(st, mm, vpn)):
        set_anon_pte(st, mm, vpn, new_pfn, 1)
    else:
        folio_put(st, new_pfn)
    pte_unmap_unlock(st, mm, vpn)
    folio_unlock(st, pfn)
    folio_put(st, pfn)
    return 0


def do_shared_fault(st, t, mm, vpn, fault_flags):
    """mm/memory.c do_shared_fault(), v6.12: a store into a shared mapping. The file system is asked
    before the page becomes writable, where it wants to be."""
    pfn = yield from __do_fault(st, t, mm, vpn, fault_flags)
    if pfn < 0:
        return -pfn
    if has_page_mkwrite(st, mm, vpn):
        folio_unlock(st, pfn)
        locked = yield from filemap_page_mkwrite(st, t, mm, vpn, pfn)
        if not locked:
            folio_put(st, pfn)
            return 0
    mapped = yield from finish_fault(st, t, mm, vpn, pfn, 1)
    if mapped:
        folio_mark_dirty(st, pfn)
    folio_unlock(st, pfn)
    if not mapped:
        folio_put(st, pfn)
    return 0


def wp_pfn_shared(st, mm, vpn, orig_pte):
    """mm/memory.c wp_pfn_shared(), v6.12: a store by an entry that counts nothing.
    Locks: PTL held on entry, released on return."""
    wp_page_reuse(st, mm, vpn, orig_pte)
    pte_unmap_unlock(st, mm, vpn)
    return 0


def wp_page_shared(st, t, mm, vpn, orig_pte):
    """mm/memory.c wp_page_shared(), v6.12: a store into a page of a file that is mapped read-only,
    for it was read first or is clean. Left out: that perf is asked without the PTL. Locks: PTL held
    on entry, released on return."""
    pfn = pte_pfn(orig_pte)
    if mkwrite_refuses(st, mm, vpn):
        pte_unmap_unlock(st, mm, vpn)
        return VM_FAULT_SIGBUS
    if not wp_finds_folio(st, orig_pte):
        return wp_pfn_shared(st, mm, vpn, orig_pte)
    folio_get(st, pfn)
    if not has_page_mkwrite(st, mm, vpn):
        wp_page_reuse(st, mm, vpn, orig_pte)
        pte_unmap_unlock(st, mm, vpn)
        yield from folio_lock(st, t, pfn)
        fault_dirty_shared_page(st, pfn)
        return 0
    pte_unmap_unlock(st, mm, vpn)
    locked = yield from filemap_page_mkwrite(st, t, mm, vpn, pfn)
    if not locked:
        folio_put(st, pfn)
        return 0
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if locked:
        if ptep_get(st, mm, vpn) == orig_pte:
            wp_page_reuse(st, mm, vpn, orig_pte)
        pte_unmap_unlock(st, mm, vpn)
    fault_dirty_shared_page(st, pfn)
    return 0


def fault_dirty_shared_page(st, pfn):
    """mm/memory.c fault_dirty_shared_page(), v6.12. Locks: folio lock held, released on return, and
    so is the caller's reference."""
    folio_mark_dirty(st, pfn)
    folio_unlock(st, pfn)
    folio_put(st, pfn)


# --- swap --------------------------------------------------------------------------------------


def swapin_directly(st, t, slot):
    """mm/memory.c do_swap_page(), v6.12, past the swap cache: a locked folio, or -1 to try again.
    Until the claim ends nobody can read the slot, nor can it be freed and used anew. Who meets a
    claim faults again and again (swapcache_wq, one tick), until the PTE has changed."""
    yield "slot not claimed yet"
    while slot_is_being_read(st, slot):
        yield BLOCKED
    if not swapcache_prepare(st, slot):
        return -1
    new_pfn = folio_alloc(st)
    folio_trylock(st, t, new_pfn)
    swap_read_folio(st, new_pfn, slot)
    return new_pfn


def should_try_to_free_swap(st, pfn, fault_flags):
    """mm/memory.c should_try_to_free_swap(), v6.12: for a write fault, where the fault's reference
    and the swap cache's are all. Left out: swap that is nearly full, VM_LOCKED."""
    return fault_flags & FAULT_FLAG_WRITE and st.folio[pfn].swap and st.folio[pfn].refcount == 2


def swapin_is_exclusive(st, pfn, exclusive, fault_flags):
    """mm/memory.c do_swap_page(), v6.12: may a page from swap become writable, and anon-exclusive?

    `exclusive`: the swap PTE said so, or nobody else can find the folio. The swap PTE does not
    count on the slot any more.
    """
    return exclusive or st.folio[pfn].refcount == 1


def do_swap_page(st, t, mm, vpn, orig_pte, fault_flags):
    """mm/memory.c do_swap_page(), v6.12: a fault on an entry that is not present. Returns
    VM_FAULT_* bits.

    Left out: large folios, mmap_lock dropped to wait for the folio, swapoff.
    """
    if is_migration_entry(orig_pte):
        return (yield from migration_entry_wait(st, t, mm, vpn))
    slot = pte_to_swp_entry(orig_pte)
    yield "swap PTE read, swap cache not looked at"
    pfn = swap_cache_get_folio(st, slot)
    bypass = 0
    if pfn < 0:
        bypass = skips_swap_cache(st, slot)
        if bypass:
            pfn = yield from swapin_directly(st, t, slot)
        else:
            pfn = yield from swapin_readahead(st, t, slot)
        if pfn < 0:
            return 0
    if not bypass:
        yield from folio_lock(st, t, pfn)
        if st.folio[pfn].swap != slot + 1 or is_poisoned(st, pfn):
            folio_unlock(st, pfn)
            folio_put(st, pfn)
            return is_poisoned(st, pfn) and VM_FAULT_SIGBUS
    swapcache_pfn = pfn
    if not bypass:
        pfn = ksm_might_need_to_copy(st, t, mm, vpn, pfn)

    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    ret = 0
    if not locked or ptep_get(st, mm, vpn) != orig_pte:
        if locked:
            pte_unmap_unlock(st, mm, vpn)
        folio_unlock(st, pfn)
        folio_put(st, pfn)
        drop_copied_folio(st, swapcache_pfn, pfn)
    else:
        # Under the PTL: fork may come to share the slot until then.
        exclusive = bypass or pfn != swapcache_pfn or pte_swp_exclusive(orig_pte)
        swap_free(st, slot)
        if should_try_to_free_swap(st, pfn, fault_flags):
            folio_free_swap(st, pfn)
        exclusive = not folio_test_ksm(st, pfn) and swapin_is_exclusive(
            st, pfn, exclusive, fault_flags
        )
        set_swapped_in_pte(st, mm, vpn, pfn, exclusive, fault_flags)
        folio_unlock(st, pfn)
        drop_copied_folio(st, swapcache_pfn, pfn)
        if fault_flags & FAULT_FLAG_WRITE and not pte_write(ptep_get(st, mm, vpn)):
            # userfaultfd may have waited, and given mmap_lock back: VM_FAULT_RETRY.
            ret = yield from do_wp_page(st, t, mm, vpn, ptep_get(st, mm, vpn), fault_flags)
        else:
            pte_unmap_unlock(st, mm, vpn)
    if bypass:
        yield "slot still claimed"
        swapcache_clear(st, slot)
    return ret


def drop_copied_folio(st, swapcache_pfn, pfn):
    """KSM had the folio of the swap cache copied to `pfn`: it is not needed any more."""
    if swapcache_pfn != pfn:
        folio_unlock(st, swapcache_pfn)
        folio_put(st, swapcache_pfn)


def set_swapped_in_pte(st, mm, vpn, pfn, exclusive, fault_flags):
    """Map the folio; the mapping takes over the caller's reference. Writable even for a read fault,
    if nobody else has the page."""
    pte = mk_pte(pfn, vma_page_prot(st, mm, vpn))
    pte |= ptep_get(st, mm, vpn) & (PAGE_SOFT_DIRTY | PAGE_UFFD_WP)
    tracked = userfaultfd_pte_wp(st, mm, vpn, pte) or pte_needs_soft_dirty_wp(st, mm, vpn, pte)
    if exclusive and vma_is_writable(st, mm, vpn) and not tracked:
        pte = pte_mkwrite(pte)
        if fault_flags & FAULT_FLAG_WRITE:
            pte = pte_mkdirty(pte)
    folio_add_anon_rmap_pte(st, pfn, exclusive)
    set_pte_at(st, mm, vpn, pte)


# --- copy-on-write -----------------------------------------------------------------------------


def wp_can_reuse_anon_folio(st, mm, pfn):
    """May a write fault make this anonymous page writable in place, without a copy?

    mm/memory.c wp_can_reuse_anon_folio(), v6.12, and the PageAnonExclusive test before its call:
    the whole question, which kernels have answered by mapcount, by refcount and by this flag.
    """
    if PageAnonExclusive(st, pfn):
        return 1
    if folio_test_large(st, pfn):
        return wp_can_reuse_large_anon_folio(st, mm, pfn)
    in_swap_cache = st.folio[pfn].swap != 0
    if st.folio[pfn].refcount > 1 + in_swap_cache or folio_test_locked(st, pfn):
        return 0
    if in_swap_cache:
        folio_free_swap(st, pfn)
    return st.folio[pfn].refcount == 1


def wp_can_reuse_large_anon_folio(st, mm, pfn):
    """mm/memory.c wp_can_reuse_anon_folio(), v6.12: never one page of a large folio, so that the
    folio is given back the sooner. Since 6.15 it may be (commit 1da190f4d0a6)."""
    return 0


def wp_can_reuse(st, mm, pfn):
    """mm/memory.c do_wp_page(), v6.12: which pages come into question at all. Never one of KSM, but
    for 5.1 to 5.8, which reused it if nobody else had it, so that nobody could tell."""
    if not folio_test_anon(st, pfn) or folio_test_ksm(st, pfn):
        return 0
    return wp_can_reuse_anon_folio(st, mm, pfn)


def must_flush_before_copy(st, mm, vpn):
    """mm/memory.c do_wp_page(), v6.12: UFFDIO_WRITEPROTECT may have changed the PTE and not flushed
    yet, as it holds mmap_lock for reading only (since 5.12, commit 6ce64428d620)."""
    return userfaultfd_wp(st, mm, vpn) and mm_tlb_flush_pending(st, mm)


def do_wp_page(st, t, mm, vpn, orig_pte, fault_flags):
    """mm/memory.c do_wp_page(), v6.12: a write or unshare fault on a present, read-only PTE.

    Locks: PTL held on entry, released on return.
    """
    if not fault_flags & FAULT_FLAG_UNSHARE:
        if userfaultfd_pte_wp(st, mm, vpn, orig_pte):
            pte_unmap_unlock(st, mm, vpn)
            return (yield from handle_userfault(st, t, mm, vpn, fault_flags, VM_UFFD_WP))
        if must_flush_before_copy(st, mm, vpn):
            yield from flush_tlb_mm_range(st, t, mm, vpn, vpn + 1)

    pfn = pte_pfn(orig_pte)
    if vma_is_shared(st, mm, vpn):
        return (yield from wp_page_shared(st, t, mm, vpn, orig_pte))
    if folio_test_locked(st, pfn) and wp_waits_for_folio_lock():
        return (yield from wp_wait_for_folio_lock(st, t, mm, vpn, pfn))
    if wp_can_reuse(st, mm, pfn):
        SetPageAnonExclusive(st, pfn)
        if not fault_flags & FAULT_FLAG_UNSHARE:
            wp_page_reuse(st, mm, vpn, orig_pte)
        pte_unmap_unlock(st, mm, vpn)
        return 0

    if wp_finds_folio(st, orig_pte):
        folio_get(st, pfn)
    pte_unmap_unlock(st, mm, vpn)
    yield "PTL dropped, reference to the old folio held"
    return (yield from wp_page_copy(st, t, mm, vpn, orig_pte, fault_flags))


def wp_waits_for_folio_lock():
    """Whether a write fault sleeps until nobody has the folio locked. wp_can_reuse_anon_folio() of
    v6.12 only tries the folio lock; up to 5.8 do_wp_page() waited."""
    return 0


def wp_wait_for_folio_lock(st, t, mm, vpn, pfn):
    """mm/memory.c do_wp_page(), v5.8: waits, then looks again. Locks: as do_wp_page()."""
    folio_get(st, pfn)
    pte_unmap_unlock(st, mm, vpn)
    yield from folio_lock(st, t, pfn)
    folio_unlock(st, pfn)
    folio_put(st, pfn)
    return 0


def wp_page_reuse(st, mm, vpn, orig_pte):
    """mm/memory.c wp_page_reuse(), v6.12."""
    set_pte_at(st, mm, vpn, maybe_mkwrite(st, mm, vpn, pte_mkdirty(pte_mkyoung(orig_pte))))


def wp_page_copy(st, t, mm, vpn, orig_pte, fault_flags):
    """mm/memory.c wp_page_copy(), v6.12. Locks: PTL not held on entry nor on return.

    The old page is copied without a lock: a CPU with a stale entry or a device may write it
    meanwhile. Its rmap goes only after the flush, so that nobody takes it for exclusive before.
    """
    anon_vma_prepare(st, mm, vpn)
    if not mem_cgroup_charge(st):
        folio_put(st, pte_pfn(orig_pte))
        return fault_out_of_memory(st, mm, vpn)
    new_pfn = folio_alloc(st)
    __wp_page_copy_user(st, new_pfn, orig_pte)

    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked or ptep_get(st, mm, vpn) != orig_pte:
        if locked:
            pte_unmap_unlock(st, mm, vpn)
        yield from mmu_notifier_invalidate_range_end(st, t, mm)
        folio_put(st, new_pfn)
        if wp_finds_folio(st, orig_pte):
            folio_put(st, pte_pfn(orig_pte))
        return 0

    yield from ptep_clear_flush(st, t, mm, vpn)
    set_copied_pte(st, mm, vpn, orig_pte, new_pfn, fault_flags)
    if wp_finds_folio(st, orig_pte):
        folio_remove_rmap_pte(st, pte_pfn(orig_pte))
    observe_rmap_removed(st, mm, vpn, pte_pfn(orig_pte))
    pte_unmap_unlock(st, mm, vpn)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)

    if wp_finds_folio(st, orig_pte):
        free_swap_cache(st, pte_pfn(orig_pte))
        folio_put(st, pte_pfn(orig_pte))  # the mapping's
        folio_put(st, pte_pfn(orig_pte))  # ours
    return 0


def set_copied_pte(st, mm, vpn, orig_pte, new_pfn, fault_flags):
    """Map the copy: writable, or read-only with the tracking bits kept if it was to unshare."""
    set_anon_pte(st, mm, vpn, new_pfn, not fault_flags & FAULT_FLAG_UNSHARE)
    if fault_flags & FAULT_FLAG_UNSHARE:
        tracking = orig_pte & (PAGE_SOFT_DIRTY | PAGE_UFFD_WP)
        set_pte_at(st, mm, vpn, ptep_get(st, mm, vpn) | tracking)
