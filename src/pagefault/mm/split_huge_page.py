"""A large folio becomes small ones. Models split_huge_page_to_list_to_order() of mm/huge_memory.c.

Migration entries stand for the PTEs meanwhile, as if its pages moved to where they are. Somebody
else's reference, a pin for instance, is to all of the folio, and forbids it.

Left out: files, other orders than 0, folios in the swap cache.
"""

from pagefault.consts import (
    EAGAIN,
    NR_PFN,
    NR_PMD,
    NR_RECLAIM,
    NR_VPN,
    PAGE_SOFT_DIRTY,
    PAGE_SPECIAL,
    PAGE_UFFD_WP,
    PG_DIRTY,
    PG_ISOLATED,
    PG_PARTIALLY_MAPPED,
    PTRS_PER_PTE,
    VM_LOCKED,
    ZERO_PFN,
)
from pagefault.hw.monitor import observe_dropped
from pagefault.hw.pgtable import (
    is_migration_entry,
    mk_pte,
    pmd_trans_huge,
    pmdp_get,
    pte_dirty,
    pte_pfn,
    ptep_get,
    set_pmd_at,
    set_pte_at,
)
from pagefault.mm.anon_vma import anon_vma_lock_write, anon_vma_unlock_write
from pagefault.mm.folio_lock import folio_trylock, folio_unlock
from pagefault.mm.huge_memory import __split_huge_pmd, is_huge_zero_pmd
from pagefault.mm.internal import vma_page_prot
from pagefault.mm.migrate import (
    remove_migration_pte,
    rmap_walk_migration,
    rmap_walk_to_migrate,
    rmap_walk_to_restore,
)
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import folio_get, folio_put, folio_test_large, pages_identical
from pagefault.mm.pgtable_generic import (
    pmd_lock,
    pmd_unlock,
    pmdp_collapse_flush,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from pagefault.mm.rmap import folio_mapcount, folio_remove_rmap_pmd


def folio_nr_pages(st, pfn):
    """include/linux/mm.h folio_nr_pages(), v6.12."""
    if folio_test_large(st, pfn):
        return PTRS_PER_PTE
    return 1


def pmd_maps_folio(st, mm, vpn, pfn):
    """A PMD maps the folio whole."""
    pmd = pmdp_get(st, mm, vpn)
    if not pmd_trans_huge(pmd) or is_huge_zero_pmd(pmd) or is_migration_entry(pmd):
        return 0
    return pte_pfn(pmd) == pfn


def split_huge_pmds(st, t, pfn):
    """mm/rmap.c try_to_unmap_one() and try_to_migrate_one(), v6.12, TTU_SPLIT_HUGE_PMD: PTEs in
    place of all PMDs that map the folio. Left out: that they are migration entries at once."""
    for mm in range(st.nr_mms):
        for i in range(NR_PMD):
            if i * PTRS_PER_PTE < st.nr_vpns and pmd_maps_folio(st, mm, i * PTRS_PER_PTE, pfn):
                yield from __split_huge_pmd(st, t, mm, i * PTRS_PER_PTE)


def unmap_huge_pmds(st, t, pfn):
    """mm/rmap.c try_to_unmap_one(), v6.12, of the PMDs that map a lazyfree folio: they go whole
    where they may (unmap_huge_pmd_locked(), since 6.11), or PTEs take their place."""
    for mm in range(st.nr_mms):
        for i in range(NR_PMD):
            vpn = i * PTRS_PER_PTE
            if vpn < st.nr_vpns and pmd_maps_folio(st, mm, vpn, pfn):
                yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + PTRS_PER_PTE)
                yield from pmd_lock(st, t, mm)
                if pmd_maps_folio(st, mm, vpn, pfn):
                    yield from __discard_anon_folio_pmd_locked(st, t, mm, vpn, pfn)
                pmd_unlock(st, mm)
                yield from mmu_notifier_invalidate_range_end(st, t, mm)
    yield from split_huge_pmds(st, t, pfn)


def __discard_anon_folio_pmd_locked(st, t, mm, vpn, pfn):
    """mm/huge_memory.c __discard_anon_folio_pmd_locked(), v6.12: unless it was written, or somebody
    else has a reference, who may write it. Locks: PMD lock and folio lock held."""
    if discard_minds_dirty(st, mm, vpn, pfn, pmdp_get(st, mm, vpn)):
        return
    orig_pmd = yield from pmdp_collapse_flush(st, t, mm, vpn)
    used = st.folio[pfn].refcount != folio_mapcount(st, pfn) + 1
    yield "references counted, dirty flag not looked at"
    if used or discard_minds_dirty(st, mm, vpn, pfn, orig_pmd):
        set_pmd_at(st, mm, vpn, orig_pmd)
        return
    for i in range(PTRS_PER_PTE):
        observe_dropped(st, mm, vpn + i, pfn + i)
    folio_remove_rmap_pmd(st, pfn)
    folio_put(st, pfn)


def discard_minds_dirty(st, mm, vpn, pfn, pmd):
    """mm/huge_memory.c __discard_anon_folio_pmd_locked(), v6.12: whether it was written."""
    return st.folio[pfn].pg_flags & PG_DIRTY or pte_dirty(pmd)


def can_split_folio(st, pfn):
    """mm/huge_memory.c can_split_folio(), v6.12: nobody refers to the folio but who maps it, and
    the caller."""
    return st.folio[pfn].refcount == folio_mapcount(st, pfn) + 1


def unmap_folio(st, t, pfn):
    """mm/huge_memory.c unmap_folio(), v6.12, of an anonymous one: migration entries for all of its
    PTEs, until one has to stay. Locks: folio lock and the anon_vma's held."""
    yield from split_huge_pmds(st, t, pfn)
    for i in range(PTRS_PER_PTE):
        yield from rmap_walk_to_migrate(st, t, pfn + i)
        if st.page[pfn + i].mapcount:
            return


def split_folio(st, t, pfn):
    """mm/huge_memory.c split_huge_page_to_list_to_order(), v6.12: 0 or -EAGAIN. The caller has the
    folio locked, with a reference; of the pages then the first. Locks: takes the anon_vma's for
    writing."""
    yield from anon_vma_lock_write(st, t)
    ret = -EAGAIN
    if can_split_folio(st, pfn):
        yield from unmap_folio(st, t, pfn)
        yield "unmapped, references not counted"
        if st.folio[pfn].refcount == 1:  # folio_ref_freeze()
            yield from split_and_remap(st, t, pfn)
            ret = 0
        else:
            for i in range(PTRS_PER_PTE):
                yield from rmap_walk_to_restore(st, t, pfn + i, pfn + i)
    anon_vma_unlock_write(st)
    return ret


def split_and_remap(st, t, pfn):
    """mm/huge_memory.c __split_huge_page() and remap_page(), v6.12. The pages have nothing to do
    with each other any more, so that each has a name of its own here."""
    second_pfn = pfn + 1
    third_pfn = pfn + 2
    last_pfn = pfn + 3
    __split_huge_page(st, t, pfn)
    yield from remap_page(st, t, pfn)
    yield from remap_page(st, t, second_pfn)
    yield from remap_page(st, t, third_pfn)
    yield from remap_page(st, t, last_pfn)
    free_tail(st, second_pfn)
    free_tail(st, third_pfn)
    free_tail(st, last_pfn)


def page_is_unused(st, pfn):
    """The question of try_to_map_unused_to_zeropage(), v6.12: it holds nothing but zeros, so that
    it need not be kept (since 6.12, commit b1f202060afe)."""
    return pages_identical(st, pfn, ZERO_PFN)


def remap_page(st, t, pfn):
    """mm/huge_memory.c remap_page(), v6.12, of one page: PTEs in place of its migration entries, or
    of the zero page (RMP_USE_SHARED_ZEROPAGE)."""
    unused = page_is_unused(st, pfn)
    place = rmap_walk_migration(st, pfn)
    while place >= 0:
        mm = place // NR_VPN
        vpn = place % NR_VPN
        if unused and not st.mm[mm].vma[vpn].vm_flags & VM_LOCKED:
            yield from try_to_map_unused_to_zeropage(st, t, mm, vpn, pfn)
        else:
            yield from remove_migration_pte(st, t, mm, vpn, pfn, pfn)
        place = rmap_walk_migration(st, pfn)


def try_to_map_unused_to_zeropage(st, t, mm, vpn, pfn):
    """mm/migrate.c try_to_map_unused_to_zeropage(), v6.12. Locks: takes the PTL."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return
    entry = ptep_get(st, mm, vpn)
    if is_migration_entry(entry) and pte_pfn(entry) == pfn:
        tracking = entry & (PAGE_SOFT_DIRTY | PAGE_UFFD_WP)
        prot = vma_page_prot(st, mm, vpn) | PAGE_SPECIAL
        set_pte_at(st, mm, vpn, mk_pte(ZERO_PFN, prot | tracking))
    pte_unmap_unlock(st, mm, vpn)


def free_tail(st, pfn):
    """mm/huge_memory.c __split_huge_page(), v6.12: the folio lock and the reference that each page
    got by the split go."""
    folio_unlock(st, pfn)
    folio_put(st, pfn)


def __split_huge_page(st, t, pfn):
    """mm/huge_memory.c __split_huge_page_tail(), v6.12: each page is a folio now, locked, with one
    reference and what the large folio was."""
    st.folio[pfn].pg_flags &= ~PG_PARTIALLY_MAPPED
    pg_flags = st.folio[pfn].pg_flags
    for tail_pfn in range(pfn + 1, pfn + PTRS_PER_PTE):
        st.page[tail_pfn].compound_head = 0
        st.folio[tail_pfn].refcount = 1
        st.folio[tail_pfn].pg_flags = pg_flags & ~PG_ISOLATED
        st.folio[tail_pfn].locked = t + 1
    st.page[pfn].compound_head = 0
    st.folio[pfn].order = 0
    st.folio[pfn].large_mapcount = 0
    if pg_flags & PG_ISOLATED and st.task[t].reclaim.nr <= NR_RECLAIM - PTRS_PER_PTE + 1:
        isolate_tails(st, t, pfn)


def isolate_tails(st, t, pfn):
    """mm/huge_memory.c lru_add_page_tail(), v6.12: who reclaims a huge page gets its pages."""
    reclaim = st.task[t].reclaim
    for tail_pfn in range(pfn + 1, pfn + PTRS_PER_PTE):
        st.folio[tail_pfn].pg_flags |= PG_ISOLATED
        folio_get(st, tail_pfn)
        reclaim.pfn[reclaim.nr] = tail_pfn
        reclaim.nr += 1


# --- folios that wait to be split --------------------------------------------------------------


def deferred_split_scan(st, t):
    """mm/huge_memory.c deferred_split_scan(), v6.12: the shrinker that reclaim asks splits what is
    partially mapped, and frees the rest. What cannot be split stays in the queue. Left out: that
    all folios of the queue get a reference before the first is split."""
    for i in range(1, NR_PFN // PTRS_PER_PTE):
        if waits_to_be_split(st, i * PTRS_PER_PTE):
            yield from split_partially_mapped(st, t, i * PTRS_PER_PTE)


def waits_to_be_split(st, pfn):
    """It is in the queue, and not about to be freed (folio_try_get())."""
    return st.folio[pfn].refcount > 0 and st.folio[pfn].pg_flags & PG_PARTIALLY_MAPPED


def split_partially_mapped(st, t, pfn):
    """mm/huge_memory.c deferred_split_scan(), v6.12, of one folio. Locks: tries the folio lock."""
    folio_get(st, pfn)
    yield "off the queue with a reference, folio not locked"
    if waits_to_be_split(st, pfn) and folio_trylock(st, t, pfn):
        yield from split_folio(st, t, pfn)
        folio_unlock(st, pfn)
    folio_put(st, pfn)
