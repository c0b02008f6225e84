"""Huge pages: a PMD that maps a folio of PTRS_PER_PTE anonymous pages. Models mm/huge_memory.c.

Such a PMD stands where else a page table hangs, and the PMD lock stands for the PTL. It is split
into PTEs where only some of its pages are meant; the folio stays large then, and is mapped by PTEs.
How the folio itself is split stands in split_huge_page.py. Left out everywhere: the table that is
put aside for the split (it is taken when it is needed), that there may be no memory for a huge
page, NUMA hints. While a huge page migrates, its PMD is a migration entry, with PAGE_PSE still: it
is locked as the PMD is, and what meets it is told apart by is_migration_entry().
"""

from pagefault.consts import (
    BUG_LEFT_OUT,
    EAGAIN,
    FAULT_FLAG_UNSHARE,
    FAULT_FLAG_WRITE,
    MM_CP_PROT_NUMA,
    MM_CP_TRY_CHANGE_WRITABLE,
    MM_CP_UFFD_WP,
    MM_CP_UFFD_WP_RESOLVE,
    PAGE_SPECIAL,
    PTRS_PER_PTE,
    VM_FAULT_FALLBACK,
    VM_HUGEPAGE,
    VM_UFFD_MISSING,
    ZERO_PFN,
)
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.monitor import note_revoked, owner_moves
from pagefault.hw.pgtable import (
    huge_pmd_pte,
    huge_start,
    is_migration_entry,
    is_writable_migration_entry,
    make_readable_exclusive_migration_entry,
    make_readable_migration_entry,
    mk_huge_pmd,
    mk_pmd,
    mk_pte,
    pmd_none,
    pmd_trans_huge,
    pmdp_get,
    pte_mkdirty,
    pte_mkold,
    pte_mksoft_dirty,
    pte_mkwrite,
    pte_mkyoung,
    pte_pfn,
    pte_present,
    pte_special,
    pte_write,
    pte_wrprotect,
    ptep_get,
    set_pmd_at,
    set_pte_at,
)
from pagefault.hw.tlb import flush_tlb_mm_range
from pagefault.mm.folio_lock import folio_lock, folio_trylock, folio_unlock
from pagefault.mm.fs_userfaultfd import handle_userfault, userfaultfd_missing
from pagefault.mm.internal import (
    can_change_pte_writable,
    maybe_mkwrite,
    pte_modify,
    pte_needs_flush,
    vma_page_prot,
)
from pagefault.mm.mmu_gather import tlb_remove_folio, tlb_track_range
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    folio_alloc_pmd,
    folio_get,
    folio_put,
    folio_test_large,
    is_zero_pfn,
)
from pagefault.mm.pgtable_generic import (
    pmd_lock,
    pmd_trans_huge_lock,
    pmd_unlock,
    pmdp_invalidate,
    pte_alloc_one,
)
from pagefault.mm.rmap import (
    PageAnonExclusive,
    SetPageAnonExclusive,
    anon_vma_prepare,
    folio_add_anon_rmap_pte,
    folio_add_new_anon_rmap_pmd,
    folio_remove_rmap_pmd,
    folio_try_dup_anon_rmap_pmd,
)
from pagefault.mm.vma import vma_end, vma_start

# --- faults ------------------------------------------------------------------------------------


def thp_vma_suitable_order(st, mm, vpn):
    """include/linux/huge_mm.h thp_vma_suitable_order(), v6.12: all pages that the PMD covers are of
    one VMA."""
    start = huge_start(vpn)
    if vma_start(st, mm, vpn) > start:
        return 0
    return vma_end(st, mm, vpn, st.nr_vpns) >= start + PTRS_PER_PTE


def thp_vma_allowable_order(st, mm, vpn):
    """mm/huge_memory.c __thp_vma_allowable_orders(), v6.12, with transparent_hugepage/enabled at
    madvise. Left out: files, prctl()."""
    if not st.mm[mm].vma[vpn].vm_flags & VM_HUGEPAGE or st.mm[mm].vma[vpn].vm_file:
        return 0
    return thp_vma_suitable_order(st, mm, vpn)


def may_map_huge_pmd(st, mm, vpn):
    """A fault may have to do with a huge page: one is mapped, or there is no table yet."""
    pmd = pmdp_get(st, mm, vpn)
    return pmd_trans_huge(pmd) or (pmd_none(pmd) and thp_vma_allowable_order(st, mm, vpn))


def handle_huge_pmd(st, t, mm, vpn, fault_flags):
    """mm/memory.c __handle_mm_fault(), v6.12, as far as PMDs go: VM_FAULT_* bits, VM_FAULT_FALLBACK
    to go on with the PTE."""
    orig_pmd = pmdp_get(st, mm, vpn)
    if pmd_none(orig_pmd):
        return (yield from do_huge_pmd_anonymous_page(st, t, mm, vpn, fault_flags))
    if is_migration_entry(orig_pmd):
        return VM_FAULT_FALLBACK  # is waited for as a PTE is
    if fault_flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE) and not pte_write(orig_pmd):
        return (yield from do_huge_pmd_wp_page(st, t, mm, vpn, orig_pmd, fault_flags))
    yield from huge_pmd_set_accessed(st, t, mm, vpn, orig_pmd, fault_flags)
    return 0


def do_huge_pmd_anonymous_page(st, t, mm, vpn, fault_flags):
    """mm/huge_memory.c do_huge_pmd_anonymous_page(), v6.12: the first touch, of any of its pages.
    One that only reads gets the huge zero page, with use_zero_page at 1."""
    anon_vma_prepare(st, mm, vpn)
    new_pfn = ZERO_PFN
    if fault_flags & FAULT_FLAG_WRITE:
        new_pfn = folio_alloc_pmd(st)
    yield from pmd_lock(st, t, mm)
    if not pmd_none(pmdp_get(st, mm, vpn)):
        pmd_unlock(st, mm)
        folio_put(st, new_pfn)
        return 0
    if userfaultfd_missing(st, mm, vpn):
        pmd_unlock(st, mm)
        folio_put(st, new_pfn)
        return (yield from handle_userfault(st, t, mm, vpn, fault_flags, VM_UFFD_MISSING))
    set_huge_pmd(st, mm, vpn, new_pfn)
    pmd_unlock(st, mm)
    return 0


def is_huge_zero_pmd(pmd):
    """include/linux/huge_mm.h is_huge_zero_pmd(), v6.12: it maps zeros, that nobody counts. The
    model has one zero page, of either size."""
    return pte_special(pmd)


def maps_huge_zero_page(st, mm, vpn):
    pmd = pmdp_get(st, mm, vpn)
    return pmd_trans_huge(pmd) and is_huge_zero_pmd(pmd)


def set_huge_pmd(st, mm, vpn, pfn):
    """Map a new, exclusive folio by a PMD, or the huge zero page; the mapping takes over the
    caller's reference. PMD lock held."""
    if is_zero_pfn(pfn):
        prot = vma_page_prot(st, mm, vpn)
        set_pmd_at(st, mm, vpn, mk_huge_pmd(pfn, prot | PAGE_SPECIAL))
        return
    pmd = mk_huge_pmd(pfn, vma_page_prot(st, mm, vpn))
    folio_add_new_anon_rmap_pmd(st, mm, vpn, pfn)
    set_pmd_at(st, mm, vpn, maybe_mkwrite(st, mm, vpn, pte_mkdirty(pmd)))


def huge_pmd_set_accessed(st, t, mm, vpn, orig_pmd, fault_flags):
    """mm/huge_memory.c huge_pmd_set_accessed(), v6.12: the PMD would have done; somebody else was
    quicker."""
    yield from pmd_lock(st, t, mm)
    if pmdp_get(st, mm, vpn) == orig_pmd and pte_present(orig_pmd):
        pmd = pte_mkyoung(orig_pmd)
        if fault_flags & FAULT_FLAG_WRITE:
            pmd = pte_mkdirty(pmd)
        set_pmd_at(st, mm, vpn, pmd)
    pmd_unlock(st, mm)


def touch_pmd(st, mm, vpn, write):
    """mm/huge_memory.c touch_pmd(), v6.12, for GUP: here it is the entry that becomes young and
    dirty, where of a small page it is the folio. Locks: PMD lock held."""
    pmd = pte_mkyoung(pmdp_get(st, mm, vpn))
    if write:
        pmd = pte_mkdirty(pmd)
    set_pmd_at(st, mm, vpn, pmd)


# --- copy-on-write -----------------------------------------------------------------------------


def huge_folio_is_exclusive(st, pfn):
    """May a write fault make a huge page writable in place? mm/huge_memory.c do_huge_pmd_wp_page(),
    v6.12: the whole question, which kernels have answered by mapcount (up to 5.17), by refcount
    (5.18) and by PageAnonExclusive. Locks: PMD lock and folio lock held."""
    return PageAnonExclusive(st, pfn) or st.folio[pfn].refcount == 1


def reuse_huge_folio(st, t, mm, vpn, orig_pmd):
    """mm/huge_memory.c do_huge_pmd_wp_page(), v6.12: 1 if the folio may be reused, 0 if not,
    -EAGAIN if the PMD has changed. Locks: PMD lock held; dropped to wait for the folio lock."""
    pfn = pte_pfn(orig_pmd)
    if PageAnonExclusive(st, pfn):
        return 1
    if not folio_trylock(st, t, pfn):
        folio_get(st, pfn)
        pmd_unlock(st, mm)
        yield from folio_lock(st, t, pfn)
        yield from pmd_lock(st, t, mm)
        if pmdp_get(st, mm, vpn) != orig_pmd:
            folio_unlock(st, pfn)
            folio_put(st, pfn)
            return -EAGAIN
        folio_put(st, pfn)
    exclusive = huge_folio_is_exclusive(st, pfn)
    folio_unlock(st, pfn)
    return exclusive


def do_huge_pmd_wp_page(st, t, mm, vpn, orig_pmd, fault_flags):
    """mm/huge_memory.c do_huge_pmd_wp_page(), v6.12: a write or unshare fault on a read-only PMD.
    What cannot be reused is split, and one page of it copied (since 5.8; up to 5.7 the huge page
    was copied whole, which is left out). Left out: userfaultfd, the swap cache."""
    if is_huge_zero_pmd(orig_pmd):
        return (yield from wp_huge_zero_pmd(st, t, mm, vpn, orig_pmd))
    yield from pmd_lock(st, t, mm)
    if pmdp_get(st, mm, vpn) != orig_pmd:
        pmd_unlock(st, mm)
        return 0
    reuse = yield from reuse_huge_folio(st, t, mm, vpn, orig_pmd)
    if reuse > 0:
        SetPageAnonExclusive(st, pte_pfn(orig_pmd))
        if not fault_flags & FAULT_FLAG_UNSHARE:
            pmd = pte_mkdirty(pte_mkyoung(pmdp_get(st, mm, vpn)))
            set_pmd_at(st, mm, vpn, maybe_mkwrite(st, mm, vpn, pmd))
    pmd_unlock(st, mm)
    if reuse != 0:
        return 0
    yield from __split_huge_pmd(st, t, mm, vpn)
    return VM_FAULT_FALLBACK


def wp_huge_zero_pmd(st, t, mm, vpn, orig_pmd):
    """mm/huge_memory.c do_huge_pmd_wp_page(), v6.12: the huge zero page is split, and one page of
    it copied. Since 6.13 there is a huge page at once (do_huge_zero_wp_pmd())."""
    yield from __split_huge_pmd(st, t, mm, vpn)
    return VM_FAULT_FALLBACK


# --- split -------------------------------------------------------------------------------------


def __split_huge_pmd(st, t, mm, vpn):
    """mm/huge_memory.c __split_huge_pmd(), v6.12: a page table in place of the huge PMD, if there
    is one still. Locks: takes the PMD lock."""
    start = huge_start(vpn)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, start, start + PTRS_PER_PTE)
    yield from pmd_lock(st, t, mm)
    if pmd_trans_huge(pmdp_get(st, mm, vpn)):
        yield from __split_huge_pmd_locked(st, t, mm, vpn)
    pmd_unlock(st, mm)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)


def __split_huge_pmd_locked(st, t, mm, vpn):
    """mm/huge_memory.c __split_huge_pmd_locked(), v6.12, without freeze: each page gets a PTE with
    the rights of the PMD, and is exclusive if the folio was; or, where that migrates, an entry of
    its own for it. Locks: PMD lock held."""
    orig_pmd = pmdp_get(st, mm, vpn)
    if not is_migration_entry(orig_pmd):
        orig_pmd = yield from pmdp_invalidate(st, t, mm, vpn)
        if not is_huge_zero_pmd(orig_pmd):
            split_huge_rmap(st, pte_pfn(orig_pmd))
    table = pte_alloc_one(st, mm, vpn)
    set_pmd_at(st, mm, vpn, mk_pmd(table))
    start = huge_start(vpn)
    for i in range(start, start + PTRS_PER_PTE):
        pte = huge_pmd_pte(orig_pmd, i)
        if is_huge_zero_pmd(orig_pmd):
            pte = mk_pte(ZERO_PFN, vma_page_prot(st, mm, i) | PAGE_SPECIAL)
        set_pte_at(st, mm, i, pte)


def split_huge_rmap(st, pfn):
    """mm/huge_memory.c __split_huge_pmd_locked(), v6.12: PTEs take the PMD's place in the counts.
    The references come first, so that nobody takes the folio for his own meanwhile."""
    st.folio[pfn].refcount += PTRS_PER_PTE - 1
    anon_exclusive = PageAnonExclusive(st, pfn)
    for page_pfn in range(pfn, pfn + PTRS_PER_PTE):
        folio_add_anon_rmap_pte(st, page_pfn, anon_exclusive)
    folio_remove_rmap_pmd(st, pfn)


def split_huge_pmd_if_cut(st, t, mm, vpn):
    """mm/huge_memory.c split_huge_pmd_if_needed(), v6.12: a VMA is about to begin or end at `vpn`.
    A huge page that lies across is split."""
    if vpn != huge_start(vpn) and pmd_trans_huge(pmdp_get(st, mm, vpn)):
        yield from __split_huge_pmd(st, t, mm, vpn)


def vma_adjust_trans_huge(st, t, mm, start, end):
    """mm/huge_memory.c vma_adjust_trans_huge(), v6.12: vpns [start, end) become a VMA of their own.
    Locks: mmap_lock held for writing."""
    yield from split_huge_pmd_if_cut(st, t, mm, start)
    if end < st.nr_vpns:
        yield from split_huge_pmd_if_cut(st, t, mm, end)


def leaves_out_huge_pages(st, mm, vpn):
    """The model does not do to pages of large folios, by whatever they are mapped, what the caller
    does to small ones."""
    pte = ptep_get(st, mm, vpn)
    is_large = pte_present(pte) and folio_test_large(st, pte_pfn(pte))
    VM_BUG_ON(st, is_large or pmd_trans_huge(pmdp_get(st, mm, vpn)), BUG_LEFT_OUT)


# --- fork, zap, mprotect, mremap ---------------------------------------------------------------


def copy_huge_pmd(st, t, mm, child_mm, vpn):
    """mm/huge_memory.c copy_huge_pmd(), v6.12: 0 with the folio shared, or -EAGAIN if it has been
    split, as it may be pinned: its pages are then copied one by one. The child's locks are nobody
    else's yet."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if not locked:
        return -EAGAIN
    if is_migration_entry(pmdp_get(st, mm, vpn)):
        copy_migrating_pmd(st, mm, child_mm, vpn)
        note_huge_revoked(st, t, mm, vpn)
        pmd_unlock(st, mm)
        return 0
    if not is_huge_zero_pmd(pmdp_get(st, mm, vpn)):
        pfn = pte_pfn(pmdp_get(st, mm, vpn))
        folio_get(st, pfn)
        if folio_try_dup_anon_rmap_pmd(st, mm, pfn) != 0:
            folio_put(st, pfn)
            pmd_unlock(st, mm)
            yield from __split_huge_pmd(st, t, mm, vpn)
            return -EAGAIN
        yield "judged not pinned, parent's PMD still writable"
    pmd = pte_wrprotect(pmdp_get(st, mm, vpn))
    set_pmd_at(st, mm, vpn, pmd)
    set_pmd_at(st, child_mm, vpn, pte_mkold(pmd))
    note_huge_revoked(st, t, mm, vpn)
    pmd_unlock(st, mm)
    return 0


def copy_migrating_pmd(st, mm, child_mm, vpn):
    """mm/huge_memory.c copy_huge_pmd(), v6.12, while the folio migrates: both will find it shared.
    Locks: PMD lock held."""
    pmd = make_readable_migration_entry(pmdp_get(st, mm, vpn))
    set_pmd_at(st, mm, vpn, pmd)
    set_pmd_at(st, child_mm, vpn, pmd)


def note_huge_revoked(st, t, mm, vpn):
    start = huge_start(vpn)
    for i in range(start, start + PTRS_PER_PTE):
        note_revoked(st, t, mm, i)


def track_huge_pmd(st, t, vpn):
    """include/asm-generic/tlb.h tlb_flush_pmd_range(), v6.12."""
    start = huge_start(vpn)
    for i in range(start, start + PTRS_PER_PTE):
        tlb_track_range(st, t, i)


def zap_or_split_huge_pmd(st, t, mm, vpn, end):
    """mm/memory.c zap_pmd_range(), v6.12, of the pages [vpn, end) of a huge page: all of it goes,
    or it is split, and the PTEs go next."""
    if end - vpn == PTRS_PER_PTE:
        yield from zap_huge_pmd(st, t, mm, vpn)
    else:
        yield from __split_huge_pmd(st, t, mm, vpn)


def zap_huge_pmd(st, t, mm, vpn):
    """mm/huge_memory.c zap_huge_pmd(), v6.12: the folio is queued, to be freed after the flush.
    What migrates is in the hands of who moves it."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if not locked:
        return
    pmd = pmdp_get(st, mm, vpn)
    set_pmd_at(st, mm, vpn, 0)
    track_huge_pmd(st, t, vpn)
    if not is_huge_zero_pmd(pmd) and not is_migration_entry(pmd):
        folio_remove_rmap_pmd(st, pte_pfn(pmd))
        tlb_remove_folio(st, t, pte_pfn(pmd))
    note_huge_revoked(st, t, mm, vpn)
    pmd_unlock(st, mm)


def change_or_split_huge_pmd(st, t, mm, vpn, end, cp_flags):
    """mm/mprotect.c change_pmd_range(), v6.12, of the pages [vpn, end) of a huge page."""
    VM_BUG_ON(
        st, cp_flags & (MM_CP_PROT_NUMA | MM_CP_UFFD_WP | MM_CP_UFFD_WP_RESOLVE), BUG_LEFT_OUT
    )
    if end - vpn == PTRS_PER_PTE:
        yield from change_huge_pmd(st, t, mm, vpn, cp_flags)
    else:
        yield from __split_huge_pmd(st, t, mm, vpn)


def change_huge_pmd(st, t, mm, vpn, cp_flags):
    """mm/huge_memory.c change_huge_pmd(), v6.12, for mprotect(): no present PMD is seen meanwhile
    whose dirty bit might get lost (pmdp_invalidate_ad()); the flush comes with that of the call."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if not locked:
        return
    old_pmd = pmdp_get(st, mm, vpn)
    if is_migration_entry(old_pmd):
        if is_writable_migration_entry(old_pmd):
            set_pmd_at(st, mm, vpn, make_readable_exclusive_migration_entry(old_pmd))
        note_huge_revoked(st, t, mm, vpn)
        pmd_unlock(st, mm)
        return
    pmd = pte_modify(old_pmd, vma_page_prot(st, mm, vpn))
    if cp_flags & MM_CP_TRY_CHANGE_WRITABLE and not pte_write(pmd):
        if can_change_pmd_writable(st, mm, vpn, pmd):
            pmd = pte_mkwrite(pmd)
    set_pmd_at(st, mm, vpn, pmd)
    if pte_needs_flush(old_pmd, pmd):
        track_huge_pmd(st, t, vpn)
    note_huge_revoked(st, t, mm, vpn)
    pmd_unlock(st, mm)


def can_change_pmd_writable(st, mm, vpn, pmd):
    """mm/huge_memory.c can_change_pmd_writable(), v6.12: as can_change_pte_writable(), by the flag
    of the folio's first page."""
    return can_change_pte_writable(st, mm, vpn, pmd)


def move_or_split_huge_pmd(st, t, mm, vpn, new_vpn, pages):
    """mm/mremap.c move_page_tables(), v6.12, of a huge page that is in the way at `vpn`, where
    `pages` are still to be moved: it is moved whole, or split and its PTEs are moved next."""
    whole = huge_start(vpn) == vpn and huge_start(new_vpn) == new_vpn and pages >= PTRS_PER_PTE
    if whole and pmd_none(pmdp_get(st, mm, new_vpn)):
        yield from move_huge_pmd(st, t, mm, vpn, new_vpn)
    else:
        yield from __split_huge_pmd(st, t, mm, vpn)


def move_huge_pmd(st, t, mm, vpn, new_vpn):
    """mm/huge_memory.c move_huge_pmd(), v6.12: flushed before the PMD lock goes, as
    move_ptes() does with the PTLs. No TLB has what migrates."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if not locked:
        return
    pmd = pmdp_get(st, mm, vpn)
    set_pmd_at(st, mm, vpn, 0)
    set_pmd_at(st, mm, new_vpn, pte_mksoft_dirty(pmd))
    for i in range(PTRS_PER_PTE):
        owner_moves(st, t, mm, vpn + i, new_vpn + i)
    if not is_migration_entry(pmd):
        yield "PMD moved, TLB not flushed"
        yield from flush_tlb_mm_range(st, t, mm, vpn, vpn + PTRS_PER_PTE)
    pmd_unlock(st, mm)
