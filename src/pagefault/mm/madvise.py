"""madvise(). Models mm/madvise.c."""

from pagefault.consts import (
    EAGAIN,
    EINTR,
    EINVAL,
    ENOMEM,
    EPERM,
    FOLL_UNLOCKABLE,
    FOLL_WRITE,
    MADV_COLD,
    MADV_COLLAPSE,
    MADV_DODUMP,
    MADV_DOFORK,
    MADV_DONTDUMP,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_EXCLUSIVE,
    MADV_FREE,
    MADV_HUGEPAGE,
    MADV_KEEPONFORK,
    MADV_MERGEABLE,
    MADV_PAGEOUT,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_UNMERGEABLE,
    MADV_WIPEONFORK,
    PG_DIRTY,
    PG_SWAPBACKED,
    PTRS_PER_PTE,
    VM_DONTCOPY,
    VM_DONTDUMP,
    VM_DROPPABLE,
    VM_EXCLUSIVE,
    VM_HUGEPAGE,
    VM_IO,
    VM_LOCKED,
    VM_MAPPED,
    VM_MERGEABLE,
    VM_PFNMAP,
    VM_SHARED,
    VM_WIPEONFORK,
)
from pagefault.hw.monitor import check_revoked, contents_may_go, owner_gave_up
from pagefault.hw.pgtable import (
    is_migration_entry,
    is_pte_marker,
    is_swap_pte,
    pmd_index,
    pmd_trans_huge,
    pmdp_get,
    pte_dirty,
    pte_maps,
    pte_mkclean,
    pte_mkold,
    pte_pfn,
    pte_present,
    pte_young,
    ptep_get,
    set_pmd_at,
    set_pte_at,
)
from pagefault.mm.driver import split_vmas
from pagefault.mm.folio_lock import folio_test_locked, folio_trylock, folio_unlock
from pagefault.mm.gup import __get_user_pages, gup_put_folio
from pagefault.mm.huge_memory import maps_huge_zero_page, track_huge_pmd, vma_adjust_trans_huge
from pagefault.mm.internal import vm_normal_page, vma_is_anonymous
from pagefault.mm.khugepaged import madvise_collapse
from pagefault.mm.ksm import unmerge_ksm_pages
from pagefault.mm.lru import folio_isolate_lru
from pagefault.mm.mmap import range_is_mapped
from pagefault.mm.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
)
from pagefault.mm.mmu_gather import tlb_finish_mmu, tlb_gather_mmu, tlb_track_range
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.mseal import can_modify_vma_madv
from pagefault.mm.page_alloc import (
    folio_get,
    folio_put,
    folio_test_large,
    folio_test_lru,
    page_folio,
)
from pagefault.mm.pgtable_generic import (
    pmd_trans_huge_lock,
    pmd_unlock,
    pmdp_invalidate,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from pagefault.mm.rmap import (
    flush_tlb_batched_pending,
    folio_likely_mapped_shared,
    folio_mapcount,
)
from pagefault.mm.split_huge_page import folio_nr_pages, split_folio
from pagefault.mm.swap_state import folio_free_swap
from pagefault.mm.vma import vma_end, vma_merge
from pagefault.mm.vmscan import reclaim_pages
from pagefault.mm.zap import zap_nonpresent_pte, zap_page_range_single


def sys_madvise(st, t, start, end, advice):
    """mm/madvise.c do_madvise(), v6.12: 0, -ENOMEM where nothing is mapped, -EINVAL."""
    if advice in (MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT):
        return (yield from madvise_walk_vmas(st, t, start, end, advice))
    if advice in (MADV_POPULATE_READ, MADV_POPULATE_WRITE):
        return (yield from madvise_populate(st, t, start, end, advice))
    if advice == MADV_COLLAPSE:
        return (yield from madvise_walk_collapse(st, t, start, end))
    if new_vm_flags(0, advice) < 0:
        return -EINVAL
    return (yield from madvise_vma_behavior(st, t, start, end, advice))


def madvise_walk_vmas(st, t, start, end, advice):
    """mm/madvise.c madvise_walk_vmas(), v6.12, of the advices about pages: under mmap_lock for
    reading, one VMA after another; holes are skipped, and reported at the end. -EINVAL from the
    first file on where MADV_FREE meets one."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    ret = 0
    vpn = start
    while vpn < end:
        next_vpn = vma_end(st, mm, vpn, end)
        if next_vpn == vpn:
            ret = -ENOMEM
            next_vpn = vpn + 1
        elif not can_modify_vma_madv(st, mm, vpn, advice):
            ret = -EPERM
            break
        elif madvise_is_forbidden(st, mm, vpn, advice):
            ret = -EINVAL
            break
        elif advice == MADV_DONTNEED:
            yield from zap_page_range_single(st, t, mm, vpn, next_vpn, 1)
        elif advice == MADV_FREE:
            yield from madvise_free_single_vma(st, t, mm, vpn, next_vpn)
        else:
            yield from madvise_cold_or_pageout(st, t, mm, vpn, next_vpn, advice)
        vpn = next_vpn
    check_revoked(st, t)
    mmap_read_unlock(st, mm)
    return ret


def madvise_is_forbidden(st, mm, vpn, advice):
    """mm/madvise.c madvise_dontneed_free_valid_vma() and can_madv_lru_vma(), v6.12: what is locked
    keeps its pages, and a file knows no MADV_FREE."""
    vma = st.mm[mm].vma[vpn]
    if vma.vm_flags & (VM_LOCKED | VM_PFNMAP):
        return 1
    return advice == MADV_FREE and not vma_is_anonymous(st, mm, vpn)


def madvise_walk_collapse(st, t, start, end):
    """mm/madvise.c madvise_walk_vmas(), v6.12, of MADV_COLLAPSE: VMA by VMA until one fails; holes
    are skipped, and reported at the end. Locks: takes mmap_lock for reading, which the collapse
    drops."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    ret = 0
    vpn = start
    while vpn < end and ret != -EINVAL and ret != -EAGAIN:
        next_vpn = vma_end(st, mm, vpn, end)
        if next_vpn > vpn:
            error = yield from madvise_collapse(st, t, mm, vpn, next_vpn)
            if error != 0:
                ret = error
        else:
            ret = -ENOMEM
            next_vpn = vpn + 1
        vpn = next_vpn
    mmap_read_unlock(st, mm)
    return ret


def madvise_free_single_vma(st, t, mm, start, end):
    """mm/madvise.c madvise_free_single_vma(), v6.12: what the pages of one VMA hold may go, until
    it is written anew. When it returns no TLB says that a page is dirty. Locks: mmap_lock held for
    reading."""
    contents_may_go(st, mm, start, end)
    tlb_gather_mmu(st, t, mm)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, start, end)
    vpn = start
    while vpn < end:
        table_end = min(end, (pmd_index(vpn) + 1) * PTRS_PER_PTE)
        yield from madvise_free_pte_range(st, t, mm, vpn, table_end)
        vpn = table_end
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    yield from tlb_finish_mmu(st, t, mm)
    owner_gave_up(st, mm, start, end)


def madvise_huge_pmd(st, t, mm, start, end, advice):
    """mm/huge_memory.c madvise_free_huge_pmd(), v6.12, and the first part of
    madvise_cold_or_pageout_pte_range(): 1 if that was all, 0 if PTEs are next, since the huge page
    was split, for some of its pages alone are meant."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, start)
    if not locked:
        return 0
    pfn = pte_pfn(pmdp_get(st, mm, start))
    migrates = is_migration_entry(pmdp_get(st, mm, start))
    if migrates or maps_huge_zero_page(st, mm, start) or folio_likely_mapped_shared(st, pfn):
        pmd_unlock(st, mm)
        return 1
    if end - start != PTRS_PER_PTE:
        if not folio_trylock(st, t, pfn):
            pmd_unlock(st, mm)
            return 1
        folio_get(st, pfn)
        pmd_unlock(st, mm)
        ret = yield from split_locked_folio(st, t, pfn)
        return ret != 0 and advice != MADV_FREE
    if advice == MADV_FREE:
        yield from free_huge_pmd(st, t, mm, start, pfn)
    elif advice == MADV_PAGEOUT:
        folio_isolate_lru(st, t, pfn)
    elif pte_young(pmdp_get(st, mm, start)):
        set_pmd_at(st, mm, start, pte_mkold(pmdp_get(st, mm, start)))
        track_huge_pmd(st, t, start)
    pmd_unlock(st, mm)
    yield from reclaim_pages(st, t)
    return 1


def free_huge_pmd(st, t, mm, start, pfn):
    """mm/huge_memory.c madvise_free_huge_pmd(), v6.12, of all of a huge page. Locks: PMD lock
    held."""
    if folio_test_locked(st, pfn):
        return
    st.folio[pfn].pg_flags &= ~PG_DIRTY
    pmd = pmdp_get(st, mm, start)
    if pte_young(pmd) or pte_dirty(pmd):
        pmd = yield from pmdp_invalidate(st, t, mm, start)
        set_pmd_at(st, mm, start, pte_mkclean(pte_mkold(pmd)))
        track_huge_pmd(st, t, start)
    folio_mark_lazyfree(st, pfn)


def split_locked_folio(st, t, pfn):
    """mm/madvise.c madvise_free_pte_range(), v6.12: split, and let go of it: 0 or -EAGAIN. Locks:
    folio lock held on entry, with a reference."""
    ret = yield from split_folio(st, t, pfn)
    folio_unlock(st, pfn)
    folio_put(st, pfn)
    return ret


def folio_pte_batch(st, mm, vpn, end):
    """mm/internal.h folio_pte_batch(), v6.12: how many PTEs from here map pages of one folio that
    follow each other there."""
    pfn = pte_pfn(ptep_get(st, mm, vpn))
    nr = 1
    while vpn + nr < end and pte_maps(ptep_get(st, mm, vpn + nr), pfn + nr):
        if page_folio(st, pfn + nr) != page_folio(st, pfn) or not folio_test_large(st, pfn):
            break
        nr += 1
    return nr


def split_to_go_on(st, t, mm, vpn, nr):
    """mm/madvise.c madvise_free_pte_range(), v6.12, of a large folio that is not all within the
    range: how many PTEs to skip, 0 to look again; -1 where the table has gone. Locks: PTL held,
    dropped in between."""
    pfn = page_folio(st, pte_pfn(ptep_get(st, mm, vpn)))
    if folio_likely_mapped_shared(st, pfn) or not folio_trylock(st, t, pfn):
        return nr
    folio_get(st, pfn)
    pte_unmap_unlock(st, mm, vpn)
    ret = yield from split_locked_folio(st, t, pfn)
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return -1
    yield from flush_tlb_batched_pending(st, t, mm)
    if ret == 0:
        return 0
    return nr


def madvise_free_pte_range(st, t, mm, start, end):
    """mm/madvise.c madvise_free_pte_range(), v6.12, of one page table. What is in swap goes."""
    if pmd_trans_huge(pmdp_get(st, mm, start)):
        done = yield from madvise_huge_pmd(st, t, mm, start, end, MADV_FREE)
        if done:
            return
    locked = yield from pte_offset_map_lock(st, t, mm, start)
    if not locked:
        return
    yield from flush_tlb_batched_pending(st, t, mm)
    vpn = start
    while vpn < end:
        pte = ptep_get(st, mm, vpn)
        nr = 1
        if is_swap_pte(pte) or is_pte_marker(pte):
            zap_nonpresent_pte(st, mm, vpn)
        elif pte_present(pte) and vm_normal_page(pte):
            nr = folio_pte_batch(st, mm, vpn, end)
            if nr < folio_nr_pages(st, pte_pfn(pte)):
                nr = yield from split_to_go_on(st, t, mm, vpn, nr)
                if nr < 0:
                    return
            elif clean_for_lazyfree(st, page_folio(st, pte_pfn(pte))):
                clear_young_dirty_ptes(st, t, mm, vpn, nr)
                folio_mark_lazyfree(st, page_folio(st, pte_pfn(pte)))
        vpn += nr
    pte_unmap_unlock(st, mm, start)


def clear_young_dirty_ptes(st, t, mm, start, nr):
    """include/linux/pgtable.h clear_young_dirty_ptes(), v6.12. PTL held."""
    for vpn in range(start, start + nr):
        pte = ptep_get(st, mm, vpn)
        if pte_young(pte) or pte_dirty(pte):
            set_pte_at(st, mm, vpn, pte_mkclean(pte_mkold(pte)))
            tlb_track_range(st, t, vpn)


def others_map_lazyfree(st, pfn):
    """The question of madvise_free_pte_range(), v6.12, asked only where the folio's dirty flag is
    to be cleared: do others map it? What is dirty nowhere is marked whoever maps it."""
    if not st.folio[pfn].swap and not st.folio[pfn].pg_flags & PG_DIRTY:
        return 0
    return folio_mapcount(st, pfn) != folio_nr_pages(st, pfn)


def clean_for_lazyfree(st, pfn):
    """mm/madvise.c madvise_free_pte_range(), v6.12: the folio gives up its slot and is not dirty
    then; 0 if it cannot, since others map it or need the slot, or have it locked."""
    if others_map_lazyfree(st, pfn):
        return 0
    if not st.folio[pfn].swap and not st.folio[pfn].pg_flags & PG_DIRTY:
        return 1
    if folio_test_locked(st, pfn):
        return 0
    folio_free_swap(st, pfn)
    if st.folio[pfn].swap:
        return 0
    st.folio[pfn].pg_flags &= ~PG_DIRTY
    return 1


def folio_mark_lazyfree(st, pfn):
    """mm/swap.c folio_mark_lazyfree(), v6.12. Left out: that it takes effect when the LRU batch of
    this CPU is drained."""
    if folio_test_lru(st, pfn) and not st.folio[pfn].swap:
        st.folio[pfn].pg_flags &= ~PG_SWAPBACKED


def madvise_cold_or_pageout(st, t, mm, start, end, advice):
    """mm/madvise.c madvise_cold() and madvise_pageout(), v6.12, of one VMA. Locks: mmap_lock held
    for reading."""
    tlb_gather_mmu(st, t, mm)
    vpn = start
    while vpn < end:
        table_end = min(end, (pmd_index(vpn) + 1) * PTRS_PER_PTE)
        yield from madvise_cold_or_pageout_pte_range(st, t, mm, vpn, table_end, advice)
        vpn = table_end
    yield from tlb_finish_mmu(st, t, mm)


def madvise_cold_or_pageout_pte_range(st, t, mm, start, end, advice):
    """mm/madvise.c madvise_cold_or_pageout_pte_range(), v6.12, of one page table: the pages are
    reclaimed, or take themselves for unused. One that more than one PTE maps, or that is off the
    LRU, stays: others may need it."""
    if pmd_trans_huge(pmdp_get(st, mm, start)):
        done = yield from madvise_huge_pmd(st, t, mm, start, end, advice)
        if done:
            return
    locked = yield from pte_offset_map_lock(st, t, mm, start)
    if not locked:
        return
    yield from flush_tlb_batched_pending(st, t, mm)
    vpn = start
    while vpn < end:
        pte = ptep_get(st, mm, vpn)
        nr = 1
        if pte_present(pte) and vm_normal_page(pte):
            nr = folio_pte_batch(st, mm, vpn, end)
            if nr < folio_nr_pages(st, pte_pfn(pte)):
                nr = yield from split_to_go_on(st, t, mm, vpn, nr)
                if nr < 0:
                    return
            elif cold_may_touch(st, pte_pfn(pte)):
                cold_or_pageout_ptes(st, t, mm, vpn, nr, advice)
        vpn += nr
    pte_unmap_unlock(st, mm, start)
    yield from reclaim_pages(st, t)


def cold_or_pageout_ptes(st, t, mm, start, nr, advice):
    """mm/madvise.c madvise_cold_or_pageout_pte_range(), v6.12, of the PTEs of one folio. PTL
    held."""
    if advice == MADV_PAGEOUT:
        folio_isolate_lru(st, t, pte_pfn(ptep_get(st, mm, start)))
        return
    for vpn in range(start, start + nr):
        pte = ptep_get(st, mm, vpn)
        if pte_young(pte):
            set_pte_at(st, mm, vpn, pte_mkold(pte))
            tlb_track_range(st, t, vpn)


def cold_may_touch(st, pfn):
    """mm/madvise.c madvise_cold_or_pageout_pte_range(), v6.12: nobody else maps the folio."""
    return folio_test_lru(st, pfn) and folio_mapcount(st, pfn) == folio_nr_pages(st, pfn)


def populate_goes_on(ret):
    """mm/gup.c faultin_page_range(), v6.12: a hole ends it (since 6.9, commit 631426ba1d45)."""
    return ret == 0


def madvise_populate(st, t, start, end, advice):
    """mm/madvise.c madvise_populate(), v6.12: fault the pages in, for a write or a read: 0, -ENOMEM
    without a VMA, -EINVAL where the VMA does not permit it, -EINTR for who is killed. Takes no
    references that last."""
    mm = st.task[t].mm
    gup_flags = FOLL_UNLOCKABLE
    if advice == MADV_POPULATE_WRITE:
        gup_flags |= FOLL_WRITE
    yield from mmap_read_lock(st, t, mm)
    ret = 0
    vpn = start
    while vpn < end and populate_goes_on(ret):
        pfn = yield from __get_user_pages(st, t, mm, vpn, gup_flags)
        if pfn >= 0:
            gup_put_folio(st, pfn, gup_flags)
        elif pfn == -EINTR:
            ret = -EINTR
        elif st.mm[mm].vma[vpn].vm_flags & VM_MAPPED and pfn != -ENOMEM:
            ret = -EINVAL
        else:
            ret = -ENOMEM
        vpn += 1
    mmap_read_unlock(st, mm)
    return ret


def new_vm_flags(vm_flags, advice):
    """What an advice makes of vm_flags; -1 for an advice that there is not."""
    if advice == MADV_EXCLUSIVE and exclusive_is_an_advice():
        return vm_flags | VM_EXCLUSIVE
    if advice == MADV_DONTFORK:
        return vm_flags | VM_DONTCOPY
    if advice == MADV_DONTDUMP:
        return vm_flags | VM_DONTDUMP
    if advice == MADV_DODUMP:
        return vm_flags & ~VM_DONTDUMP
    if advice == MADV_DOFORK:
        return vm_flags & ~VM_DONTCOPY
    if advice == MADV_WIPEONFORK:
        return vm_flags | VM_WIPEONFORK
    if advice == MADV_KEEPONFORK:
        return vm_flags & ~VM_WIPEONFORK
    if advice == MADV_MERGEABLE:
        return vm_flags | ksm_takes(vm_flags)
    if advice == MADV_UNMERGEABLE:
        return vm_flags & ~VM_MERGEABLE
    if advice == MADV_HUGEPAGE:
        return vm_flags | VM_HUGEPAGE
    return -1


def ksm_takes(vm_flags):
    """mm/ksm.c vma_ksm_compatible(), v6.12: VM_MERGEABLE, or 0 where the advice is ignored."""
    if vm_flags & VM_DROPPABLE:
        return 0
    return VM_MERGEABLE


def droppable_forbids(vm_flags, advice):
    """mm/madvise.c madvise_vma_behavior(), v6.12: what droppable memory never comes to be."""
    return vm_flags & VM_DROPPABLE and advice in (MADV_KEEPONFORK, MADV_DODUMP)


def exclusive_is_an_advice():
    """Whether memory that is there already can be made exclusive. In no release."""
    return 0


def madvise_update_vma(st, t, mm, start, end, advice):
    """mm/madvise.c madvise_update_vma(), v6.12, of one VMA: 0, or -EINVAL where a driver minds."""
    old_flags = st.mm[mm].vma[start].vm_flags
    vm_flags = new_vm_flags(old_flags, advice)
    if advice == MADV_DOFORK and old_flags & VM_IO:
        return -EINVAL
    if vm_flags == old_flags:
        return 0
    if split_vmas(st, mm, start, end) != 0:
        return -EINVAL
    yield from vma_adjust_trans_huge(st, t, mm, start, end)
    for vpn in range(start, end):
        st.mm[mm].vma[vpn].vm_flags = vm_flags
    vma_merge(st, mm, start, end)
    return 0


def madvise_vma_behavior(st, t, start, end, advice):
    """mm/madvise.c madvise_vma_behavior(), v6.12: the advices that set vm_flags, VMA by VMA; holes
    are skipped, and reported at the end. -EINVAL from the first VMA on that cannot take one."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    vpn = start
    ret = 0
    while vpn < end and ret == 0:
        next_vpn = max(vpn + 1, vma_end(st, mm, vpn, end))
        if range_is_mapped(st, mm, vpn, next_vpn):
            if not can_modify_vma_madv(st, mm, vpn, advice):
                ret = -EPERM
                break
            if behavior_is_forbidden(st, mm, vpn, advice):
                ret = -EINVAL
                break
            yield from madvise_change_pages(st, t, mm, vpn, next_vpn, advice)
            ret = yield from madvise_update_vma(st, t, mm, vpn, next_vpn, advice)
        vpn = next_vpn
    if ret == 0 and range_is_mapped(st, mm, start, end) != end - start:
        ret = -ENOMEM
    mmap_write_unlock(st, mm)
    return ret


def madvise_change_pages(st, t, mm, start, end, advice):
    """mm/madvise.c madvise_vma_behavior(), v6.12: what an advice that sets vm_flags does to the
    pages that are there. Locks: mmap_lock held for writing."""
    if advice == MADV_UNMERGEABLE:
        yield from unmerge_ksm_pages(st, t, mm, start, end)


def behavior_is_forbidden(st, mm, vpn, advice):
    """mm/madvise.c madvise_vma_behavior(), v6.12: only private memory that is no file's can be
    wiped on fork."""
    vma = st.mm[mm].vma[vpn]
    if droppable_forbids(vma.vm_flags, advice):
        return 1
    return advice == MADV_WIPEONFORK and (vma.vm_file != 0 or vma.vm_flags & VM_SHARED)
