"""Who asks for pages to move, and what is done to each. Models mm/migrate.c kernel_move_pages() and
migrate_pages(); the move itself stands in migrate.py.

Left out: that the pages of a folio which was split for it are moved with less effort
(MIGRATE_ASYNC), so that a lock is not waited for.
"""

from pagefault.consts import EAGAIN, EBUSY, EFAULT, ENOENT, PG_PARTIALLY_MAPPED, VM_MAPPED
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.folio_lock import folio_lock, folio_unlock
from pagefault.mm.internal import vm_normal_page, vma_migratable
from pagefault.mm.lru import folio_putback_lru
from pagefault.mm.migrate import alloc_migration_target, isolate_folio, migrate_folio
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.page_alloc import folio_put, is_zero_pfn, page_folio
from pagefault.mm.pgtable_generic import lock_entry, unlock_entry
from pagefault.mm.secretmem import folio_is_secretmem
from pagefault.mm.split_huge_page import split_folio


def migration_splits_first(st, pfn):
    """mm/migrate.c migrate_pages_batch(), v6.12: the folio waits to be split, as some of its pages
    are mapped no more. Those need not be copied (since 6.10, commit 7262f208ca68)."""
    return st.folio[pfn].pg_flags & PG_PARTIALLY_MAPPED


def migrate_pages(st, t, pfn):
    """mm/migrate.c migrate_pages(), v6.12, of one isolated folio: 0, -EAGAIN or -EBUSY."""
    if migration_splits_first(st, pfn):
        ret = yield from try_split_folio(st, t, pfn)
        if ret == 0:
            return (yield from migrate_split_folios(st, t, pfn))
    return (yield from migrate_one_folio(st, t, pfn))


def try_split_folio(st, t, pfn):
    """mm/migrate.c try_split_folio(), v6.12: 0 or -EAGAIN. Locks: takes the folio lock."""
    yield from folio_lock(st, t, pfn)
    ret = yield from split_folio(st, t, pfn)
    folio_unlock(st, pfn)
    return ret


def take_split_folio(st, t):
    """A page that the split has put on the list of this task."""
    reclaim = st.task[t].reclaim
    reclaim.nr -= 1
    pfn = reclaim.pfn[reclaim.nr]
    reclaim.pfn[reclaim.nr] = 0
    return pfn


def migrate_split_folios(st, t, pfn):
    """mm/migrate.c migrate_pages(), v6.12: the pages of a large folio, each for itself; 0 if all of
    them could move. Who is nobody's any more is freed."""
    failed = 0
    while st.task[t].reclaim.nr:
        tail_pfn = take_split_folio(st, t)
        ret = yield from migrate_unless_freed(st, t, tail_pfn)
        failed |= ret != 0
    ret = yield from migrate_unless_freed(st, t, pfn)
    return -EAGAIN * (failed or ret != 0)


def migrate_unless_freed(st, t, pfn):
    """mm/migrate.c migrate_folio_unmap(), v6.12: whether there is something to move is asked
    first."""
    if st.folio[pfn].refcount == 1:
        folio_putback_lru(st, pfn)
        return 0
    return (yield from migrate_one_folio(st, t, pfn))


def migrate_one_folio(st, t, pfn):
    """mm/migrate.c migrate_pages_batch(), v6.12, of one folio: 0, -EAGAIN or -EBUSY."""
    new_pfn = alloc_migration_target(st, pfn)
    ret = yield from migrate_folio(st, t, new_pfn, pfn)
    folio_put(st, new_pfn)
    folio_putback_lru(st, pfn)
    return ret


def sys_migrate(st, t, vpn):
    """mm/migrate.c kernel_move_pages(), v6.12, of one page to another node, whoever else maps it
    (MPOL_MF_MOVE_ALL): 0, -EAGAIN where it could not move, or what it had against trying."""
    mm = st.task[t].mm
    pfn = yield from add_folio_for_migration(st, t, mm, vpn)
    if pfn < 0:
        return pfn
    yield "isolated, folio not locked"
    return (yield from migrate_pages(st, t, pfn))


def add_folio_for_migration(st, t, mm, vpn):
    """mm/migrate.c add_folio_for_migration(), v6.12: the isolated folio, -EFAULT without a VMA, in
    a PFN map or for the zero page, -ENOENT without a page (-EFAULT up to 6.11), -EBUSY where it is
    on no LRU list, or somebody else has isolated it."""
    yield from mmap_read_lock(st, t, mm)
    ret = -EFAULT
    if st.mm[mm].vma[vpn].vm_flags & VM_MAPPED and vma_migratable(st, mm, vpn):
        ret = yield from isolate_mapped_folio(st, t, mm, vpn)
    mmap_read_unlock(st, mm)
    return ret


def secret_folio_stays():
    """What move_pages() says of a secret folio: it has been isolated, and did not move."""
    return -EAGAIN


def no_page_to_move(pte):
    """What move_pages() says where no page is present."""
    return -ENOENT


def isolate_mapped_folio(st, t, mm, vpn):
    """mm/migrate.c __add_folio_for_migration(), v6.12. A secret folio is isolated and then refuses
    to move (mm/secretmem.c secretmem_migrate_folio()): it stays. Any page of a large folio stands
    for all of it. Locks: takes the PTL, or the PMD lock."""
    locked = yield from lock_entry(st, t, mm, vpn)
    if not locked:
        return no_page_to_move(0)
    pte = ptep_get(st, mm, vpn)
    pfn = no_page_to_move(pte)
    if pte_present(pte):
        pfn = page_folio(st, pte_pfn(pte))
        if is_zero_pfn(pfn):
            pfn = -EFAULT
        elif not vm_normal_page(pte):
            pfn = -ENOENT
        elif folio_is_secretmem(st, pfn):
            pfn = secret_folio_stays()
        elif not isolate_folio(st, pfn):
            pfn = -EBUSY
    unlock_entry(st, mm, vpn)
    return pfn
