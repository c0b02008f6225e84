"""A page moves to another frame. Models mm/migrate.c, and try_to_migrate() of mm/rmap.c.

While it moves, migration entries stand for the PTEs that map it, and whoever faults on one waits
for the folio lock. A page that somebody else refers to stays where it is.

Left out: nodes, so that any free frame will do; the first attempts of a synchronous migration,
which wait for no lock and flush later (MIGRATE_ASYNC); that a busy page is tried up to ten
times; what a file system keeps at a folio (buffer heads), and file systems that have no
migrate_folio(); that there may be no memory for a large folio, which is split then; device memory.
"""

from pagefault.consts import (
    BLOCKED,
    EAGAIN,
    EBUSY,
    NR_VPN,
    PAGE_ACCESSED,
    PAGE_DIRTY,
    PAGE_PSE,
    PAGE_SOFT_DIRTY,
    PG_DIRTY,
    PG_HWPOISON,
    PG_ISOLATED,
    PG_WRITEBACK,
    PTRS_PER_PTE,
)
from pagefault.hw.monitor import observe_rmap_removed
from pagefault.hw.pgtable import (
    huge_start,
    is_migration_entry,
    is_readable_migration_entry,
    is_writable_migration_entry,
    make_migration_entry,
    mk_pte,
    pmd_trans_huge,
    pmdp_get,
    pte_dirty,
    pte_maps,
    pte_mkold,
    pte_mkuffd_wp,
    pte_mkwrite,
    pte_pfn,
    pte_present,
    pte_uffd_wp,
    ptep_get,
    set_pmd_at,
    set_pte_at,
)
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.anon_vma import anon_vma_lock_read, anon_vma_unlock_read
from pagefault.mm.folio_lock import folio_lock, folio_test_locked, folio_trylock, folio_unlock
from pagefault.mm.i_mmap import i_mmap_lock_read, i_mmap_unlock_read
from pagefault.mm.internal import vma_page_prot
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    copy_highpage,
    folio_alloc,
    folio_alloc_pmd,
    folio_get,
    folio_mark_dirty,
    folio_put,
    folio_test_anon,
    folio_test_large,
    page_folio,
)
from pagefault.mm.page_writeback import folio_wait_writeback
from pagefault.mm.pgtable_generic import (
    lock_entry,
    pmd_trans_huge_lock,
    pmd_unlock,
    pmdp_invalidate,
    pte_offset_map_lock,
    pte_unmap_unlock,
    unlock_entry,
)
from pagefault.mm.rmap import (
    PageAnonExclusive,
    folio_add_anon_rmap_pmd,
    folio_add_anon_rmap_pte,
    folio_add_file_rmap_pte,
    folio_mapcount,
    folio_remove_rmap_pmd,
    folio_remove_rmap_pte,
    folio_try_share_anon_rmap_pte,
    rmap_walk,
)
from pagefault.mm.secretmem import folio_is_secretmem
from pagefault.mm.vmalloc import page_is_kmem

# --- who meets a migration entry ---------------------------------------------------------------


def migration_entry_wait(st, t, mm, vpn):
    """mm/migrate.c migration_entry_wait(), v6.12, and pmd_migration_entry_wait(): until the folio
    is unlocked; the fault is taken again then. Locks: mmap_lock held for reading, which migration
    does not ask for; takes the PTL, or the PMD lock."""
    locked = yield from lock_entry(st, t, mm, vpn)
    if not locked:
        return 0
    pte = ptep_get(st, mm, vpn)
    unlock_entry(st, mm, vpn)
    if is_migration_entry(pte):
        yield "page is migrating"
        # The lock of the folio that was there, not of one that has its frame since.
        while ptep_get(st, mm, vpn) == pte and folio_test_locked(st, pte_pfn(pte)):
            yield BLOCKED
    return 0


# --- PTEs become migration entries -------------------------------------------------------------


def rmap_lock_read(st, t, pfn):
    """mm/rmap.c rmap_walk_file(), v6.12: nobody maps the file elsewhere meanwhile, nor moves its
    pages; rmap_walk_anon(): nobody collapses or splits a huge page."""
    if st.folio[pfn].mapping:
        yield from i_mmap_lock_read(st, t, st.folio[pfn].mapping - 1)
    elif folio_test_anon(st, pfn):
        yield from anon_vma_lock_read(st, t)


def rmap_unlock_read(st, pfn):
    if st.folio[pfn].mapping:
        i_mmap_unlock_read(st, st.folio[pfn].mapping - 1)
    elif folio_test_anon(st, pfn):
        anon_vma_unlock_read(st)


def try_to_migrate(st, t, pfn):
    """mm/rmap.c try_to_migrate(), v6.12: put migration entries in place of all that map the folio,
    until one has to stay. Locks: folio lock held; takes i_mmap_rwsem for reading. Left out: that a
    PTE which is none is not waited for by its PTL."""
    yield from rmap_lock_read(st, t, pfn)
    if folio_test_large(st, pfn):
        yield from rmap_walk_to_migrate_large(st, t, pfn)
    else:
        yield from rmap_walk_to_migrate(st, t, pfn)
    rmap_unlock_read(st, pfn)


def rmap_walk_to_migrate(st, t, pfn):
    """mm/rmap.c rmap_walk(), v6.12, with try_to_migrate_one(), of one page."""
    place = rmap_walk(st, pfn)
    while place >= 0:
        unmapped = yield from try_to_migrate_one(st, t, place // NR_VPN, place % NR_VPN, pfn)
        place = -1
        if unmapped:
            place = rmap_walk(st, pfn)


def folio_rmap_walk(st, pfn):
    """mm/rmap.c rmap_walk_anon(), v6.12, of a large folio: the first place that maps some of it."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            pte = ptep_get(st, mm, vpn)
            if pte_present(pte) and page_folio(st, pte_pfn(pte)) == pfn:
                return mm * NR_VPN + vpn
    return -1


def rmap_walk_to_migrate_large(st, t, pfn):
    """mm/rmap.c rmap_walk(), v6.12, with try_to_migrate_one(), of a large folio: some may map it by
    a PMD, and others, or they elsewhere, by PTEs."""
    place = folio_rmap_walk(st, pfn)
    while place >= 0:
        mm = place // NR_VPN
        vpn = place % NR_VPN
        if pmd_trans_huge(pmdp_get(st, mm, vpn)):
            unmapped = yield from try_to_migrate_pmd(st, t, mm, huge_start(vpn), pfn)
        else:
            page_pfn = pte_pfn(ptep_get(st, mm, vpn))
            unmapped = yield from try_to_migrate_one(st, t, mm, vpn, page_pfn)
        place = -1
        if unmapped:
            place = folio_rmap_walk(st, pfn)


def try_to_migrate_pmd(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_migrate_one(), v6.12, where a PMD maps the folio: 0 if that had to stay.
    Locks: takes the PMD lock."""
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + PTRS_PER_PTE)
    unmapped = 1
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if locked:
        if pte_maps(pmdp_get(st, mm, vpn), pfn):
            unmapped = yield from set_pmd_migration_entry(st, t, mm, vpn, pfn)
        pmd_unlock(st, mm)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return unmapped


def set_pmd_migration_entry(st, t, mm, vpn, pfn):
    """mm/huge_memory.c set_pmd_migration_entry(), v6.12: 0 if the folio is pinned, and the PMD is
    as it was. Nobody can use it when pins are looked for, as in clear_pte_and_share(). Locks: PMD
    lock held."""
    orig_pmd = yield from pmdp_invalidate(st, t, mm, vpn)
    anon_exclusive = PageAnonExclusive(st, pfn)
    if anon_exclusive and folio_try_share_anon_rmap_pte(st, pfn) != 0:
        set_pmd_at(st, mm, vpn, orig_pmd)
        return 0
    if migration_makes_dirty(st, mm, vpn, orig_pmd):
        folio_mark_dirty(st, pfn)
    set_pmd_at(st, mm, vpn, make_migration_entry(orig_pmd, anon_exclusive) | PAGE_PSE)
    folio_remove_rmap_pmd(st, pfn)
    for i in range(PTRS_PER_PTE):
        observe_rmap_removed(st, mm, vpn + i, pfn + i)
    folio_put(st, pfn)
    return 1


def try_to_migrate_one(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_migrate_one(), v6.12: 0 if the PTE had to stay. Locks: takes the PTL."""
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    unmapped = yield from migrate_one_pte(st, t, mm, vpn, pfn)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return unmapped


def migrate_one_pte(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_migrate_one(), v6.12: what it does while notifiers know that it is at it."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return not pmd_trans_huge(pmdp_get(st, mm, vpn))
    if not pte_maps(ptep_get(st, mm, vpn), pfn):
        pte_unmap_unlock(st, mm, vpn)
        return 1
    anon_exclusive = PageAnonExclusive(st, pfn)
    pte = yield from clear_pte_and_share(st, t, mm, vpn, pfn)
    if pte == 0:
        pte_unmap_unlock(st, mm, vpn)
        return 0
    if migration_makes_dirty(st, mm, vpn, pte):
        folio_mark_dirty(st, pfn)
    set_pte_at(st, mm, vpn, make_migration_entry(pte, anon_exclusive))
    folio_remove_rmap_pte(st, pfn)
    observe_rmap_removed(st, mm, vpn, pfn)
    pte_unmap_unlock(st, mm, vpn)
    folio_put(st, pfn)
    return 1


def migration_makes_dirty(st, mm, vpn, pte):
    """mm/rmap.c try_to_migrate_one(), v6.12: the folio takes over that its PTE was dirty."""
    return pte_dirty(pte)


def clear_pte_and_share(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_migrate_one(), v6.12: the PTE is cleared and flushed first, then pins are
    looked for, so that GUP-fast, which looks at the PTE again, cannot pin an exclusive page in
    between (commit 088b8aa537c2). The old PTE, or 0 where it had to be put back."""
    anon_exclusive = PageAnonExclusive(st, pfn)
    pte = yield from ptep_clear_flush(st, t, mm, vpn)
    if anon_exclusive and folio_try_share_anon_rmap_pte(st, pfn) != 0:
        set_pte_at(st, mm, vpn, pte)
        return 0
    return pte


# --- and PTEs again ----------------------------------------------------------------------------


def rmap_walk_migration(st, pfn):
    """mm/rmap.c rmap_walk(), v6.12, for migration entries: the first place that has one of the
    folio, as mm * NR_VPN + vpn; -1 if nobody does."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            pte = ptep_get(st, mm, vpn)
            if is_migration_entry(pte) and pte_pfn(pte) == pfn:
                return mm * NR_VPN + vpn
    return -1


def remove_migration_ptes(st, t, pfn, new_pfn):
    """mm/migrate.c remove_migration_ptes(), v6.12: what stood for `pfn` maps `new_pfn`, which is
    the same where the page could not move. Locks: both folio locks held; takes i_mmap_rwsem for
    reading. Left out: that a folio which nobody mapped needs no look."""
    yield from rmap_lock_read(st, t, new_pfn)
    if folio_test_large(st, pfn):
        yield from rmap_walk_to_restore_large(st, t, pfn, new_pfn)
    else:
        yield from rmap_walk_to_restore(st, t, pfn, new_pfn)
    rmap_unlock_read(st, new_pfn)


def rmap_walk_to_restore(st, t, pfn, new_pfn):
    """mm/rmap.c rmap_walk(), v6.12, with remove_migration_pte(), of one page."""
    place = rmap_walk_migration(st, pfn)
    while place >= 0:
        yield from remove_migration_pte(st, t, place // NR_VPN, place % NR_VPN, pfn, new_pfn)
        place = rmap_walk_migration(st, pfn)


def folio_rmap_walk_migration(st, pfn):
    """As rmap_walk_migration(), of a large folio: the first place that has an entry of a page of
    it, or of all."""
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            pte = ptep_get(st, mm, vpn)
            if is_migration_entry(pte) and page_folio(st, pte_pfn(pte)) == pfn:
                return mm * NR_VPN + vpn
    return -1


def rmap_walk_to_restore_large(st, t, pfn, new_pfn):
    """mm/rmap.c rmap_walk(), v6.12, with remove_migration_pte(), of a large folio. What a PMD stood
    for may have been split meanwhile, and cut."""
    place = folio_rmap_walk_migration(st, pfn)
    while place >= 0:
        mm = place // NR_VPN
        vpn = place % NR_VPN
        if pmd_trans_huge(pmdp_get(st, mm, vpn)):
            yield from remove_migration_pmd(st, t, mm, huge_start(vpn), pfn, new_pfn)
        else:
            page_pfn = pte_pfn(ptep_get(st, mm, vpn))
            yield from remove_migration_pte(st, t, mm, vpn, page_pfn, new_pfn + page_pfn - pfn)
        place = folio_rmap_walk_migration(st, pfn)


def remove_migration_pmd(st, t, mm, vpn, pfn, new_pfn):
    """mm/huge_memory.c remove_migration_pmd(), v6.12. Locks: takes the PMD lock. As for PTEs, the
    entry may be another by now, or a table may hang there."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if not locked:
        return
    pmd = pmdp_get(st, mm, vpn)
    if is_migration_entry(pmd) and pte_pfn(pmd) == pfn:
        folio_get(st, new_pfn)
        folio_add_anon_rmap_pmd(st, new_pfn, not is_readable_migration_entry(pmd))
        set_pmd_at(st, mm, vpn, restored_pte(st, mm, vpn, pmd, new_pfn) | PAGE_PSE)
    pmd_unlock(st, mm)


def remove_migration_pte(st, t, mm, vpn, pfn, new_pfn):
    """mm/migrate.c remove_migration_pte(), v6.12. Locks: takes the PTL. Fork, mprotect() and
    mremap() may have changed the entry meanwhile, or a zap removed it."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return
    entry = ptep_get(st, mm, vpn)
    if is_migration_entry(entry) and pte_pfn(entry) == pfn:
        folio_get(st, new_pfn)
        if folio_test_anon(st, new_pfn):
            folio_add_anon_rmap_pte(st, new_pfn, not is_readable_migration_entry(entry))
        else:
            folio_add_file_rmap_pte(st, new_pfn)
        set_pte_at(st, mm, vpn, restored_pte(st, mm, vpn, entry, new_pfn))
    pte_unmap_unlock(st, mm, vpn)


def restored_pte(st, mm, vpn, entry, new_pfn):
    """mm/migrate.c remove_migration_pte(), v6.12: writable if the entry is, which mprotect() sees
    to; tracked as it was."""
    pte = mk_pte(new_pfn, vma_page_prot(st, mm, vpn) | (entry & PAGE_SOFT_DIRTY))
    if not entry & PAGE_ACCESSED:
        pte = pte_mkold(pte)
    if st.folio[page_folio(st, new_pfn)].pg_flags & PG_DIRTY:
        pte |= restored_dirty(entry)
    if is_writable_migration_entry(entry):
        pte = pte_mkwrite(pte)
    elif pte_uffd_wp(entry):
        pte = pte_mkuffd_wp(pte)
    return pte


def restored_dirty(entry):
    """mm/migrate.c remove_migration_pte(), v6.12: dirty again, and no more soft-dirty for it."""
    return entry & PAGE_DIRTY


# --- the move ----------------------------------------------------------------------------------


def folio_in_cache(st, pfn):
    """mm/util.c folio_mapping(), v6.12: the swap cache or the page cache has the
    folio, and others can look it up there."""
    return st.folio[pfn].swap != 0 or st.folio[pfn].mapping != 0


def folio_expected_refs(st, pfn):
    """mm/migrate.c folio_migrate_mapping(), v6.12, of a folio that nobody maps: whoever isolated
    it, and the swap cache or the page cache."""
    return 1 + folio_in_cache(st, pfn)


def has_extra_references(st, pfn):
    """The question of __migrate_folio() and folio_migrate_mapping(), v6.12: who has a reference
    would go on with the old frame."""
    return st.folio[pfn].refcount != folio_expected_refs(st, pfn)


def folio_counts_are_frozen(st, pfn):
    """mm/migrate.c __folio_migrate_mapping(), v6.12: references are counted once more, as none may
    be taken while others can come by the folio. A large one is taken off a queue (since 6.12,
    commit f8f931bba0f9)."""
    return folio_in_cache(st, pfn) or folio_test_large(st, pfn)


def folio_migrate_mapping(st, new_pfn, pfn):
    """mm/migrate.c __folio_migrate_mapping(), v6.12: the new folio takes over what the old one is,
    and its place in the swap cache or the page cache, which nobody can look up meanwhile; or in the
    queue of those to be split. 0 or -EAGAIN. Locks: both folio locks held."""
    if folio_counts_are_frozen(st, pfn) and has_extra_references(st, pfn):
        return -EAGAIN
    st.folio[new_pfn].pg_flags = st.folio[pfn].pg_flags & ~PG_ISOLATED
    st.folio[pfn].pg_flags &= ~PG_DIRTY
    if st.folio[pfn].swap:
        st.folio[new_pfn].swap = st.folio[pfn].swap
        st.swap[st.folio[pfn].swap - 1].pfn = new_pfn
        folio_get(st, new_pfn)
        st.folio[pfn].swap = 0
        folio_put(st, pfn)
    if st.folio[pfn].mapping:
        replace_in_page_cache(st, new_pfn, pfn)
    return 0


def replace_in_page_cache(st, new_pfn, pfn):
    """mm/migrate.c __folio_migrate_mapping(), v6.12, of a page of a file."""
    index = st.folio[pfn].index
    st.folio[new_pfn].mapping = st.folio[pfn].mapping
    st.folio[new_pfn].index = index
    st.file[st.folio[pfn].mapping - 1].page[index].pfn = new_pfn
    folio_get(st, new_pfn)
    st.folio[pfn].mapping = 0
    st.folio[pfn].index = 0
    folio_put(st, pfn)


def wait_for_writeback(st, t, pfn):
    """mm/migrate.c migrate_folio_unmap(), v6.12, MIGRATE_SYNC. Of a folio with a slot only who asks
    can tell that the device is done (folio_test_writeback()), and who waits does not ask before.
    Locks: folio lock held, so that nobody writes the folio again."""
    if st.folio[pfn].swap:
        st.folio[pfn].pg_flags &= ~PG_WRITEBACK
    elif st.folio[pfn].pg_flags & PG_WRITEBACK:
        yield from folio_wait_writeback(st, t, pfn)


def secretmem_refuses_to_move(st, pfn):
    """mm/secretmem.c secretmem_migrate_folio(), v6.12: what is not in the direct map cannot be
    copied."""
    return folio_is_secretmem(st, pfn)


def move_to_new_folio(st, t, new_pfn, pfn):
    """mm/migrate.c __migrate_folio(), v6.12: copy, unless somebody else has a reference: 0, -EAGAIN
    or -EBUSY. Up to 6.9 the mapping went first. Locks: both folio locks held."""
    yield "unmapped, references not looked at"
    if secretmem_refuses_to_move(st, pfn):
        return -EBUSY
    if has_extra_references(st, pfn):
        return -EAGAIN
    yield "nobody refers to it, not copied"
    folio_mc_copy(st, new_pfn, pfn)
    yield "copied, still the old page"
    return folio_migrate_mapping(st, new_pfn, pfn)


def folio_mc_copy(st, new_pfn, pfn):
    """mm/util.c folio_mc_copy(), v6.12. No switch between the pages: nobody can reach them."""
    pages = 1
    if folio_test_large(st, pfn):
        pages = PTRS_PER_PTE
    for i in range(pages):
        copy_highpage(st, new_pfn + i, pfn + i)


def migrate_folio(st, t, new_pfn, pfn):
    """mm/migrate.c migrate_folio_unmap() and migrate_folio_move(), v6.12: 0, -EAGAIN or -EBUSY.
    Locks: takes both folio locks."""
    yield from folio_lock(st, t, pfn)
    yield from wait_for_writeback(st, t, pfn)
    folio_trylock(st, t, new_pfn)  # nobody else knows it
    yield from try_to_migrate(st, t, pfn)
    ret = -EAGAIN
    if folio_mapcount(st, pfn) == 0:
        ret = yield from move_to_new_folio(st, t, new_pfn, pfn)
    if ret == 0:
        yield from remove_migration_ptes(st, t, pfn, new_pfn)
    else:
        yield from remove_migration_ptes(st, t, pfn, pfn)
    folio_unlock(st, new_pfn)
    folio_unlock(st, pfn)
    return ret


def alloc_migration_target(st, pfn):
    """mm/migrate.c alloc_migration_target(), v6.12: a folio of the same size."""
    if folio_test_large(st, pfn):
        return folio_alloc_pmd(st)
    return folio_alloc(st)


def folio_has_lru(st, pfn):
    """Whether a folio is on an LRU list, unless somebody has it in hand (PG_lru): what a driver has
    mapped never is, so that whoever asks needs not know what it is."""
    return not page_is_kmem(st, pfn)


def isolate_folio(st, pfn):
    """mm/vmscan.c folio_isolate_lru(), v6.12, for migration: 0 if it is on no list, somebody else
    has the folio in hand, or it has gone bad."""
    if not folio_has_lru(st, pfn) or st.folio[pfn].pg_flags & (PG_ISOLATED | PG_HWPOISON):
        return 0
    st.folio[pfn].pg_flags |= PG_ISOLATED
    folio_get(st, pfn)
    return 1
