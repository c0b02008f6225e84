"""userfaultfd: pages supplied, moved and write-protected from user space. Models mm/userfaultfd.c.

Left out: the attempts under the VMA lock, files, copies that are write-protected at once.
"""

from pagefault.consts import (
    CELLS,
    EAGAIN,
    EBUSY,
    EEXIST,
    EFAULT,
    EINVAL,
    ENOENT,
    MM_CP_TRY_CHANGE_WRITABLE,
    MM_CP_UFFD_WP,
    MM_CP_UFFD_WP_RESOLVE,
    PAGE_SPECIAL,
    VM_LOCKED,
    VM_MAPPED,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
    ZERO_PFN,
)
from pagefault.hw.monitor import (
    check_revoked,
    note_written,
    owe,
    owner_moves,
    uffd_wp_takes_effect,
    write_cell,
)
from pagefault.hw.pgtable import (
    is_migration_entry,
    is_pte_marker,
    is_swap_pte,
    mk_pte,
    pmd_has_table,
    pmdp_get,
    pte_dirty,
    pte_mkdirty,
    pte_mksoft_dirty,
    pte_mkwrite,
    pte_none,
    pte_pfn,
    pte_swp_exclusive,
    pte_to_swp_entry,
    ptep_get,
    set_pte_at,
)
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.filemap import filemap_get_folio
from pagefault.mm.folio_lock import folio_lock, folio_unlock
from pagefault.mm.fs_userfaultfd import (
    VM_UFFD_FLAGS,
    userfaultfd_armed,
    userfaultfd_minor,
    userfaultfd_wp,
    wake_userfault,
)
from pagefault.mm.huge_memory import leaves_out_huge_pages
from pagefault.mm.i_mmap import linear_page_index
from pagefault.mm.internal import maybe_mkwrite, vma_is_anonymous, vma_is_shared, vma_page_prot
from pagefault.mm.memory import set_anon_pte
from pagefault.mm.migrate import migration_entry_wait
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.mprotect import change_protection
from pagefault.mm.page_alloc import (
    folio_alloc,
    folio_get,
    folio_maybe_dma_pinned,
    folio_put,
    is_zero_pfn,
)
from pagefault.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import PageAnonExclusive, anon_vma_prepare, folio_add_file_rmap_pte
from pagefault.mm.swap_state import swap_cache_get_folio
from pagefault.mm.vma import vma_end

VM_ACCESS_FLAGS = VM_READ | VM_WRITE

# --- UFFDIO_COPY -------------------------------------------------------------------------------


def find_vma_and_prepare_anon(st, mm, vpn):
    """mm/userfaultfd.c find_vma_and_prepare_anon(), v6.12: before anybody asks whether the VMA is
    registered. Locks: mmap_lock held."""
    flags = st.mm[mm].vma[vpn].vm_flags
    if flags & VM_MAPPED and not flags & VM_SHARED:
        anon_vma_prepare(st, mm, vpn)


def sys_uffd_copy(st, t, vpn, cell, value):
    """mm/userfaultfd.c mfill_atomic(), v6.12, of UFFDIO_COPY: a new page that holds `value` in one
    cell and zeros else. 0, -ENOENT where nothing is registered, -EEXIST where a page is."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    find_vma_and_prepare_anon(st, mm, vpn)
    ret = -ENOENT
    if userfaultfd_armed(st, mm, vpn):
        ret = yield from mfill_atomic_pte_copy(st, t, mm, vpn, cell, value)
    mmap_read_unlock(st, mm)
    if ret == 0:
        wake_userfault(st, mm, vpn, vpn + 1)
    return ret


def mfill_atomic_pte_copy(st, t, mm, vpn, cell, value):
    """mm/userfaultfd.c mfill_atomic_pte_copy(), v6.12: filled before anybody sees it."""
    anon_vma_prepare(st, mm, vpn)
    pte_alloc(st, mm, vpn)
    if not pmd_has_table(pmdp_get(st, mm, vpn)):
        return -EEXIST
    new_pfn = folio_alloc(st)
    write_cell(st, mm, new_pfn, cell, value)
    return (yield from mfill_atomic_install_pte(st, t, mm, vpn, new_pfn))


def mfill_atomic_install_pte(st, t, mm, vpn, new_pfn):
    """mm/userfaultfd.c mfill_atomic_install_pte(), v6.12: unless a page is there already."""
    yield from pte_offset_map_lock(st, t, mm, vpn)
    ret = -EEXIST
    if pte_none(ptep_get(st, mm, vpn)):
        set_anon_pte(st, mm, vpn, new_pfn, 1)
        note_written(st, mm, vpn)
        for cell in range(CELLS):
            owe(st, mm, vpn, cell, st.page[new_pfn].cell[cell])
        ret = 0
    else:
        folio_put(st, new_pfn)
    pte_unmap_unlock(st, mm, vpn)
    return ret


# --- UFFDIO_CONTINUE ---------------------------------------------------------------------------


def sys_uffd_continue(st, t, vpn):
    """mm/userfaultfd.c mfill_atomic(), v6.12, of UFFDIO_CONTINUE: 0, -ENOENT where nothing is
    registered, -EINVAL if not so, -EEXIST where a page is mapped, -EFAULT where the page cache has
    none."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    find_vma_and_prepare_anon(st, mm, vpn)
    ret = -ENOENT
    if userfaultfd_minor(st, mm, vpn):
        ret = yield from mfill_atomic_pte_continue(st, t, mm, vpn)
    elif userfaultfd_armed(st, mm, vpn):
        ret = -EINVAL
    mmap_read_unlock(st, mm)
    if ret == 0:
        wake_userfault(st, mm, vpn, vpn + 1)
    return ret


def mfill_atomic_pte_continue(st, t, mm, vpn):
    """mm/userfaultfd.c mfill_atomic_pte_continue(), v6.12: map what the page cache has. The PTE is
    dirty, and writable only where the memory is shared."""
    pfn = filemap_get_folio(st, st.mm[mm].vma[vpn].vm_file - 1, linear_page_index(st, mm, vpn))
    if pfn < 0:
        return -EFAULT
    yield from folio_lock(st, t, pfn)
    pte_alloc(st, mm, vpn)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    ret = -EEXIST
    if pte_none(ptep_get(st, mm, vpn)):
        pte = pte_mkdirty(mk_pte(pfn, vma_page_prot(st, mm, vpn)))
        if vma_is_shared(st, mm, vpn):
            pte = maybe_mkwrite(st, mm, vpn, pte)
        folio_add_file_rmap_pte(st, pfn)
        set_pte_at(st, mm, vpn, pte)
        ret = 0
    pte_unmap_unlock(st, mm, vpn)
    folio_unlock(st, pfn)
    if ret != 0:
        folio_put(st, pfn)
    return ret


# --- UFFDIO_WRITEPROTECT -----------------------------------------------------------------------


def sys_uffd_wp(st, t, start, end):
    """fs/userfaultfd.c userfaultfd_writeprotect(), v6.12, with UFFDIO_WRITEPROTECT_MODE_WP: from
    now on a store into a page that is there waits. 0, or -ENOENT."""
    return (yield from mwriteprotect_range(st, t, st.task[t].mm, start, end, MM_CP_UFFD_WP))


def sys_uffd_unprotect(st, t, start, end):
    """fs/userfaultfd.c userfaultfd_writeprotect(), v6.12, without a mode: stores go on."""
    mm = st.task[t].mm
    ret = yield from mwriteprotect_range(st, t, mm, start, end, uffd_wp_resolve_flags())
    if ret == 0:
        wake_userfault(st, mm, start, end)
    return ret


def uffd_wp_resolve_flags():
    """mm/userfaultfd.c uffd_wp_range(), v6.12: an exclusive page is writable again at once."""
    return MM_CP_UFFD_WP_RESOLVE | MM_CP_TRY_CHANGE_WRITABLE


def mwriteprotect_range(st, t, mm, start, end, cp_flags):
    """mm/userfaultfd.c mwriteprotect_range(), v6.12: VMA by VMA, under mmap_lock for reading only,
    so faults go on. 0, or -ENOENT from the first VMA on that is not registered so; holes are
    skipped."""
    yield from mmap_read_lock(st, t, mm)
    ret = -ENOENT
    vpn = start
    while vpn < end:
        next_vpn = max(vma_end(st, mm, vpn, end), vpn + 1)
        if st.mm[mm].vma[vpn].vm_flags & VM_MAPPED:
            if not userfaultfd_wp(st, mm, vpn):
                ret = -ENOENT
                break
            yield from uffd_wp_range(st, t, mm, vpn, next_vpn, cp_flags)
            ret = 0
        vpn = next_vpn
    check_revoked(st, t)
    mmap_read_unlock(st, mm)
    return ret


def uffd_wp_range(st, t, mm, start, end, cp_flags):
    """mm/userfaultfd.c uffd_wp_range(), v6.12. The flush comes after the PTL is dropped: until then
    a CPU may write what the PTE protects, and a fault must not copy (do_wp_page())."""
    tlb_gather_mmu(st, t, mm)
    yield from change_protection(st, t, mm, start, end, cp_flags)
    yield from tlb_finish_mmu(st, t, mm)
    uffd_wp_takes_effect(st, mm, start, end)


# --- UFFDIO_MOVE -------------------------------------------------------------------------------


def validate_move_areas(st, mm, vpn, new_vpn):
    """mm/userfaultfd.c validate_move_areas(), v6.12: 0 or -EINVAL."""
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    new_flags = st.mm[mm].vma[new_vpn].vm_flags
    if not vm_flags & VM_WRITE or vm_flags & VM_ACCESS_FLAGS != new_flags & VM_ACCESS_FLAGS:
        return -EINVAL
    if not vma_is_anonymous(st, mm, vpn) or not vma_is_anonymous(st, mm, new_vpn):
        return -EINVAL
    if vm_flags & VM_LOCKED != new_flags & VM_LOCKED or not new_flags & VM_UFFD_FLAGS:
        return -EINVAL
    return 0


def sys_uffd_move(st, t, vpn, new_vpn):
    """mm/userfaultfd.c move_pages(), v6.12, of one page: from `vpn` to a hole at `new_vpn`.

    0, -ENOENT without a VMA or a page, -EINVAL, -EEXIST, or -EBUSY where the page is shared or may
    be pinned. Left out: -ENOENT before -EEXIST where the page has no page table, which for pages
    side by side it has in Linux.
    """
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    ret = -ENOENT
    if st.mm[mm].vma[vpn].vm_flags & st.mm[mm].vma[new_vpn].vm_flags & VM_MAPPED:
        ret = validate_move_areas(st, mm, vpn, new_vpn)
    if ret == 0:
        leaves_out_huge_pages(st, mm, vpn)
        leaves_out_huge_pages(st, mm, new_vpn)
        anon_vma_prepare(st, mm, vpn)
        anon_vma_prepare(st, mm, new_vpn)
        pte_alloc(st, mm, new_vpn)
        ret = -EAGAIN
    while ret == -EAGAIN:
        yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
        ret = yield from move_pages_pte(st, t, mm, vpn, new_vpn)
        yield from mmu_notifier_invalidate_range_end(st, t, mm)
    check_revoked(st, t)
    mmap_read_unlock(st, mm)
    if ret == 0:
        wake_userfault(st, mm, new_vpn, new_vpn + 1)
    return ret


def move_pages_pte(st, t, mm, vpn, new_vpn):
    """mm/userfaultfd.c move_pages_pte(), v6.12: look, lock the folio, look again.

    Left out: the anon_vma lock, the folio's new place in the rmap.
    """
    yield "PTEs not read yet"
    pte = ptep_get(st, mm, vpn)
    if not pte_none(ptep_get(st, mm, new_vpn)):
        return -EEXIST
    if pte_none(pte):
        return -ENOENT
    if is_migration_entry(pte):
        yield from migration_entry_wait(st, t, mm, vpn)
        return -EAGAIN
    if is_pte_marker(pte):
        return -EFAULT
    if is_swap_pte(pte):
        return (yield from move_swap_entry(st, t, mm, vpn, new_vpn, pte))
    if is_zero_pfn(pte_pfn(pte)):
        return (yield from move_zeropage_pte(st, t, mm, vpn, new_vpn, pte))
    if not PageAnonExclusive(st, pte_pfn(pte)):
        return -EBUSY
    folio_get(st, pte_pfn(pte))
    yield from folio_lock(st, t, pte_pfn(pte))
    ret = yield from move_present_pte(st, t, mm, vpn, new_vpn, pte)
    folio_unlock(st, pte_pfn(pte))
    folio_put(st, pte_pfn(pte))
    return ret


def move_swap_entry(st, t, mm, vpn, new_vpn, pte):
    """mm/userfaultfd.c move_pages_pte(), v6.12, of a swap PTE: -EBUSY if others share the slot. Its
    folio in the swap cache is locked meanwhile."""
    if not pte_swp_exclusive(pte):
        return -EBUSY
    pfn = swap_cache_get_folio(st, pte_to_swp_entry(pte))
    if pfn < 0:
        return (yield from move_swap_pte(st, t, mm, vpn, new_vpn, pte, pfn))
    yield from folio_lock(st, t, pfn)
    ret = yield from move_swap_pte(st, t, mm, vpn, new_vpn, pte, pfn)
    folio_unlock(st, pfn)
    folio_put(st, pfn)
    return ret


def slot_is_cached_as(st, slot, pfn):
    """The swap cache has for a slot what it had when it was asked: the folio `pfn`, or -1 none."""
    if pfn < 0:
        return st.swap[slot].pfn == 0 and not st.swap[slot].claimed
    return st.swap[slot].pfn == pfn


def move_swap_pte(st, t, mm, vpn, new_vpn, orig_pte, pfn):
    """mm/userfaultfd.c move_swap_pte(), v6.12: 0, or -EAGAIN if the PTEs or the swap cache are no
    longer as they were (6.12.y looks there again, too)."""
    yield from double_pt_lock(st, t, mm, vpn, new_vpn)
    ret = -EAGAIN
    if ptep_get(st, mm, vpn) == orig_pte and pte_none(ptep_get(st, mm, new_vpn)):
        if slot_is_cached_as(st, pte_to_swp_entry(orig_pte), pfn):
            set_pte_at(st, mm, vpn, 0)
            set_pte_at(st, mm, new_vpn, pte_mksoft_dirty(orig_pte))
            owner_moves(st, t, mm, vpn, new_vpn)
            note_written(st, mm, new_vpn)
            ret = 0
    double_pt_unlock(st, mm, vpn, new_vpn)
    return ret


def double_pt_lock(st, t, mm, vpn, new_vpn):
    """mm/userfaultfd.c double_pt_lock(), v6.12: in one order, whichever is moved where."""
    yield from pte_offset_map_lock(st, t, mm, min(vpn, new_vpn))
    if pmdp_get(st, mm, vpn) != pmdp_get(st, mm, new_vpn):
        yield from pte_offset_map_lock(st, t, mm, max(vpn, new_vpn))


def double_pt_unlock(st, mm, vpn, new_vpn):
    """mm/userfaultfd.c double_pt_unlock(), v6.12."""
    if pmdp_get(st, mm, vpn) != pmdp_get(st, mm, new_vpn):
        pte_unmap_unlock(st, mm, max(vpn, new_vpn))
    pte_unmap_unlock(st, mm, min(vpn, new_vpn))


def move_refuses_pinned(st, pfn):
    """The question of move_present_pte(), v6.12, asked before the PTE is cleared and after."""
    return folio_maybe_dma_pinned(st, pfn)


def move_present_pte(st, t, mm, vpn, new_vpn, orig_pte):
    """mm/userfaultfd.c move_present_pte(), v6.12: 0, -EAGAIN or -EBUSY. The old PTE is cleared and
    flushed first; whoever pinned the page until then gets it back."""
    yield from double_pt_lock(st, t, mm, vpn, new_vpn)
    ret = 0
    pfn = pte_pfn(orig_pte)
    if ptep_get(st, mm, vpn) != orig_pte or not pte_none(ptep_get(st, mm, new_vpn)):
        ret = -EAGAIN
    elif move_refuses_pinned(st, pfn) or not PageAnonExclusive(st, pfn):
        ret = -EBUSY
    else:
        orig_pte = yield from ptep_clear_flush(st, t, mm, vpn)
        if move_refuses_pinned(st, pfn):
            set_pte_at(st, mm, vpn, orig_pte)
            ret = -EBUSY
        else:
            pte = pte_mkwrite(pte_mksoft_dirty(mk_pte(pfn, vma_page_prot(st, mm, new_vpn))))
            if pte_dirty(orig_pte):
                pte = pte_mkdirty(pte)
            set_pte_at(st, mm, new_vpn, pte)
            owner_moves(st, t, mm, vpn, new_vpn)
            note_written(st, mm, new_vpn)
    double_pt_unlock(st, mm, vpn, new_vpn)
    return ret


def move_zeropage_pte(st, t, mm, vpn, new_vpn, orig_pte):
    """mm/userfaultfd.c move_zeropage_pte(), v6.12: nothing moves; the zero page is mapped there."""
    yield from double_pt_lock(st, t, mm, vpn, new_vpn)
    ret = -EAGAIN
    if ptep_get(st, mm, vpn) == orig_pte and pte_none(ptep_get(st, mm, new_vpn)):
        yield from ptep_clear_flush(st, t, mm, vpn)
        prot = vma_page_prot(st, mm, new_vpn)
        set_pte_at(st, mm, new_vpn, mk_pte(ZERO_PFN, prot | PAGE_SPECIAL))
        owner_moves(st, t, mm, vpn, new_vpn)
        ret = 0
    double_pt_unlock(st, mm, vpn, new_vpn)
    return ret
