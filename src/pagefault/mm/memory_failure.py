"""A frame goes bad, and who uses it must not. Models mm/memory-failure.c.

Whoever asked keeps a reference for good, so that nobody gets the frame again. What stood for the
page in a page table says that it was poisoned: SIGBUS to who touches it, until he unmaps it.

Left out: files other than memfd_secret()'s, huge pages, KSM; the signals that are
sent at once (to the task whose access it was, and to who asked for that by PR_MCE_KILL), so that
SIGBUS comes with the next access; the frames that come back (unpoison_memory()); that a mark stays
on a page that was not on the LRU list, and that one which is marked is on it until it is unmapped.
"""

from pagefault.consts import (
    BLOCKED,
    BUG_LEFT_OUT,
    EBUSY,
    EFAULT,
    EHWPOISON,
    EIO,
    NR_VPN,
    PAGE_MARKER,
    PG_DIRTY,
    PG_HWPOISON,
    PG_ISOLATED,
)
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.monitor import check_revoked, note_revoked, observe_rmap_removed
from pagefault.hw.pgtable import pte_dirty, pte_maps, pte_pfn, pte_present, ptep_get, set_pte_at
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.filemap import page_cache_delete
from pagefault.mm.folio_lock import folio_lock, folio_unlock
from pagefault.mm.huge_memory import leaves_out_huge_pages
from pagefault.mm.migrate import (
    isolate_folio,
    rmap_lock_read,
    rmap_unlock_read,
    wait_for_writeback,
)
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.move_pages import migrate_pages
from pagefault.mm.page_alloc import (
    folio_get,
    folio_mark_dirty,
    folio_put,
    folio_test_anon,
    folio_test_ksm,
)
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import PageAnonExclusive, folio_remove_rmap_pte, rmap_walk, set_swap_pte
from pagefault.mm.secretmem import folio_is_secretmem, is_poisoned, secretmem_free_folio
from pagefault.mm.swap_state import delete_from_swap_cache


def leaves_out_poison(st, mm, vpn):
    """The model takes no other page out of use than a small one that is anonymous or secret."""
    pfn = pte_pfn(ptep_get(st, mm, vpn))
    is_other_file = st.folio[pfn].mapping and not folio_is_secretmem(st, pfn)
    VM_BUG_ON(st, is_other_file or folio_test_ksm(st, pfn), BUG_LEFT_OUT)
    leaves_out_huge_pages(st, mm, vpn)


def HWPoisonHandlable(st, pfn):
    """mm/memory-failure.c HWPoisonHandlable(), v6.12: the folio is on an LRU list. The zero page is
    not, nor is what a special entry maps."""
    if st.folio[pfn].pg_flags & PG_ISOLATED:
        return 0
    return folio_test_anon(st, pfn) or folio_is_secretmem(st, pfn)


def sys_poison(st, t, vpn):
    """drivers/base/memory.c hard_offline_page_store(), v6.12, of the frame that a page has."""
    mm = st.task[t].mm
    if not pte_present(ptep_get(st, mm, vpn)):
        return -EFAULT
    leaves_out_poison(st, mm, vpn)
    return (yield from memory_failure(st, t, pte_pfn(ptep_get(st, mm, vpn))))


def memory_failure(st, t, pfn):
    """mm/memory-failure.c memory_failure(), v6.12: 0 where the frame is out of use, or will be once
    nobody has it any more, -EBUSY where somebody goes on with it. Locks: takes the folio lock."""
    if is_poisoned(st, pfn):
        return -EHWPOISON
    if not HWPoisonHandlable(st, pfn):
        return -EBUSY
    st.folio[pfn].pg_flags |= PG_HWPOISON
    folio_get(st, pfn)
    yield "poisoned, still mapped"
    yield from folio_lock(st, t, pfn)
    yield from wait_for_writeback(st, t, pfn)
    yield from unmap_poisoned_folio(st, t, pfn)
    check_revoked(st, t)
    ret = -EBUSY
    if st.page[pfn].mapcount == 0:
        ret = yield from identify_page_state(st, t, pfn)
    folio_unlock(st, pfn)
    return ret


# --- page tables -------------------------------------------------------------------------------


def unmap_poisoned_folio(st, t, pfn):
    """mm/memory-failure.c unmap_poisoned_folio(), v6.12: put entries that say so in place of all
    that map the folio, pinned or not, mlock()ed or not; until one has to stay. Locks: folio lock
    held; takes that of the rmap for reading. Left out: who cannot be unmapped is killed."""
    yield from rmap_lock_read(st, t, pfn)
    place = yield from rmap_walk_sync(st, t, pfn)
    while place >= 0:
        unmapped = yield from poison_one(st, t, place // NR_VPN, place % NR_VPN, pfn)
        place = -1
        if unmapped:
            place = yield from rmap_walk_sync(st, t, pfn)
    rmap_unlock_read(st, pfn)


def rmap_walk_sync(st, t, pfn):
    """mm/page_vma_mapped.c page_vma_mapped_walk(), v6.12, PVMW_SYNC: as rmap_walk(), but who has
    the PTL is waited for, though the PTE is none: he may be about to take the page out of the rmap,
    or to put it back."""
    yield "page tables to be looked at"
    while st.page[pfn].mapcount != 0 and rmap_walk(st, pfn) < 0:
        yield BLOCKED
    return rmap_walk(st, pfn)


def poison_one(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_unmap_one(), v6.12, TTU_HWPOISON: 0 if the PTE had to stay. Locks: takes the
    PTL."""
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    unmapped = 1
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if locked:
        if pte_maps(ptep_get(st, mm, vpn), pfn):
            unmapped = yield from poison_pte(st, t, mm, vpn, pfn)
        pte_unmap_unlock(st, mm, vpn)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return unmapped


def poison_pte(st, t, mm, vpn, pfn):
    """mm/rmap.c try_to_unmap_one(), v6.12, TTU_HWPOISON: what it does while notifiers know of it.
    Locks: PTL held."""
    anon_exclusive = PageAnonExclusive(st, pfn)
    pte = yield from ptep_clear_flush(st, t, mm, vpn)
    if pte_dirty(pte):
        folio_mark_dirty(st, pfn)
    if not set_poisoned_pte(st, mm, vpn, pfn, pte, anon_exclusive):
        return 0
    note_revoked(st, t, mm, vpn)
    folio_remove_rmap_pte(st, pfn)
    observe_rmap_removed(st, mm, vpn, pfn)
    folio_put(st, pfn)
    return 1


def set_poisoned_pte(st, mm, vpn, pfn, pte, anon_exclusive):
    """mm/rmap.c try_to_unmap_one(), v6.12: what stands for the page from now on. Of one that swap
    has a place for a swap PTE, for what is there may be as good. 0 if that cannot be, as the page
    is pinned."""
    if st.folio[pfn].swap:
        return set_swap_pte(st, mm, vpn, pfn, pte, anon_exclusive)
    set_pte_at(st, mm, vpn, PAGE_MARKER)
    return 1


# --- by kind of page ---------------------------------------------------------------------------


def identify_page_state(st, t, pfn):
    """mm/memory-failure.c identify_page_state(), v6.12: what can be done by what the page is for.
    Anonymous memory is lost with its frame. Locks: folio lock held, nobody maps the folio."""
    if st.folio[pfn].swap:
        return me_swapcache(st, pfn)
    if folio_test_anon(st, pfn):
        return -EBUSY if poison_leaves_users(st, pfn) else 0
    return (yield from me_pagecache_clean(st, t, pfn))


def has_extra_refcount(st, pfn, extra_pins):
    """mm/memory-failure.c has_extra_refcount(), v6.12: somebody besides memory_failure(), and the
    swap cache where it keeps the page, goes on with it."""
    return st.folio[pfn].refcount > 1 + extra_pins


def poison_leaves_users(st, pfn):
    """mm/memory-failure.c me_pagecache_clean(), v6.12: whether somebody who goes on with a bad page
    of anonymous memory is an error. Nobody asks."""
    return 0


def me_swapcache(st, pfn):
    """mm/memory-failure.c me_swapcache_dirty() and me_swapcache_clean(), v6.12: what is newer than
    the disk stays in the swap cache, for SIGBUS to whoever faults; else it is read again."""
    keeps = st.folio[pfn].pg_flags & PG_DIRTY != 0
    st.folio[pfn].pg_flags &= ~PG_DIRTY
    if not keeps:
        delete_from_swap_cache(st, pfn)
    if has_extra_refcount(st, pfn, keeps):
        return -EBUSY
    return 0


def me_pagecache_clean(st, t, pfn):
    """mm/memory-failure.c me_pagecache_clean(), v6.12: out of the page cache, unless somebody
    stored: memfd_secret() has no ->error_remove_folio(), and what is dirty is not just dropped.
    Who has mapped the page still gets SIGBUS, another gets a new one. Locks: folio lock held,
    nobody maps the folio."""
    if not folio_is_secretmem(st, pfn) or st.folio[pfn].pg_flags & PG_DIRTY:
        return -EBUSY
    if has_extra_refcount(st, pfn, 1):
        return -EBUSY
    page_cache_delete(st, st.folio[pfn].mapping - 1, pfn)
    yield from secretmem_free_folio(st, t, pfn)
    folio_put(st, pfn)
    return 0


# --- before it goes bad ------------------------------------------------------------------------


def sys_soft_offline(st, t, vpn):
    """mm/memory-failure.c soft_offline_page(), v6.12, of the frame that a page has: 0 when the page
    has another one, -EBUSY where it stays, -EIO where nobody could move it. Left out: what is in
    the page cache and mapped nowhere; the tries again. Locks: takes the folio lock."""
    mm = st.task[t].mm
    if not pte_present(ptep_get(st, mm, vpn)):
        return -EFAULT
    leaves_out_poison(st, mm, vpn)
    pfn = pte_pfn(ptep_get(st, mm, vpn))
    if is_poisoned(st, pfn):
        return 0
    if not HWPoisonHandlable(st, pfn):
        return -EIO
    folio_get(st, pfn)
    yield "has a reference, folio not locked"
    return (yield from soft_offline_in_use_page(st, t, pfn))


def soft_offline_in_use_page(st, t, pfn):
    """mm/memory-failure.c soft_offline_in_use_page(), v6.12. The caller's reference is dropped."""
    yield from folio_lock(st, t, pfn)
    yield from wait_for_writeback(st, t, pfn)
    poisoned = is_poisoned(st, pfn)
    folio_unlock(st, pfn)
    isolated = not poisoned and isolate_folio(st, pfn)
    folio_put(st, pfn)
    if poisoned:
        return 0
    if not isolated:
        return -EBUSY
    yield "isolated to be taken out of use, folio not locked"
    ret = yield from migrate_pages(st, t, pfn)
    if ret != 0:
        return -EBUSY
    page_handle_poison(st, pfn)
    return 0


def page_handle_poison(st, pfn):
    """mm/memory-failure.c page_handle_poison(), v6.12: nobody gets the free frame again."""
    st.folio[pfn].pg_flags |= PG_HWPOISON
    st.folio[pfn].refcount += 1
