"""mremap(). Models mm/mremap.c: PTEs move, pages stay. Left out: moving whole page tables."""

from pagefault.consts import EFAULT, EINVAL, EPERM, MAP_FIXED
from pagefault.hw.monitor import check_revoked, owner_moves
from pagefault.hw.pgtable import (
    pmd_has_table,
    pmd_trans_huge,
    pmdp_get,
    pte_clear_uffd_wp,
    pte_mksoft_dirty,
    pte_none,
    pte_present,
    ptep_get_and_clear,
    set_pte_at,
)
from pagefault.hw.tlb import flush_tlb_mm_range
from pagefault.mm.driver import copy_driver_vma, get_unmapped_area, split_vmas
from pagefault.mm.fs_userfaultfd import dup_userfaultfd
from pagefault.mm.huge_memory import move_or_split_huge_pmd, vma_adjust_trans_huge
from pagefault.mm.i_mmap import i_mmap_lock_write, i_mmap_unlock_write
from pagefault.mm.ksm import unmerge_ksm_pages
from pagefault.mm.mmap import range_is_mapped, remove_vmas, split_for_munmap, unmap_region
from pagefault.mm.mmap_lock import mmap_write_lock, mmap_write_unlock
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.mseal import can_modify_vma
from pagefault.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import flush_tlb_batched_pending
from pagefault.mm.vma import set_vma, vma_end, vma_merge


def same_table(st, mm, vpn, other):
    return pmdp_get(st, mm, vpn) == pmdp_get(st, mm, other)


def copy_vma(st, mm, vpn, new_vpn):
    """mm/vma.c copy_vma(), v6.12, of one page: what has an anon_vma or a file keeps
    its vm_pgoff."""
    vm_pgoff = st.mm[mm].vma[vpn].vm_pgoff + vpn - new_vpn
    vm_flags = dup_userfaultfd(st.mm[mm].vma[vpn].vm_flags)
    set_vma(st, mm, new_vpn, vm_flags, st.mm[mm].vma[vpn].anon_vma)
    if st.mm[mm].vma[new_vpn].anon_vma or st.mm[mm].vma[vpn].vm_file:
        st.mm[mm].vma[new_vpn].vm_pgoff = vm_pgoff
    st.mm[mm].vma[new_vpn].vm_file = st.mm[mm].vma[vpn].vm_file


def copy_vmas(st, t, mm, start, end, new_start):
    """mm/vma.c copy_vma(), v6.12: the VMA at its new place; its file knows of both for a while."""
    file = st.mm[mm].vma[start].vm_file - 1
    if file >= 0:
        yield from i_mmap_lock_write(st, t, file)
    for i in range(end - start):
        copy_vma(st, mm, start + i, new_start + i)
        copy_driver_vma(st, mm, start + i, mm, new_start + i, new_start)
    vma_merge(st, mm, new_start, new_start + end - start)
    if file >= 0:
        i_mmap_unlock_write(st, file)


def take_rmap_locks(st, t, mm, vpn, new_vpn):
    """mm/mremap.c take_rmap_locks(), v6.12: where who looks for all that map the file comes by the
    new place first and by the old one last, the page must not move in between. Returns the file +
    1, 0 without."""
    if st.mm[mm].vma[vpn].vm_file == 0 or vpn < new_vpn:
        return 0
    yield from i_mmap_lock_write(st, t, st.mm[mm].vma[vpn].vm_file - 1)
    return st.mm[mm].vma[vpn].vm_file


def drop_rmap_locks(st, vm_file):
    if vm_file:
        i_mmap_unlock_write(st, vm_file - 1)


def move_soft_dirty_pte(pte):
    """mm/mremap.c move_soft_dirty_pte(), v6.12: what has moved counts as written, and is not
    registered with userfaultfd any more."""
    if not pte_none(pte):
        return pte_clear_uffd_wp(pte_mksoft_dirty(pte))
    return pte


def move_ptes(st, t, mm, vpn, new_vpn):
    """mm/mremap.c move_ptes(), v6.12, of one page. The flush happens with both PTLs held, so that
    nobody can free the page at its new place while a CPU still reaches it at the old one."""
    vm_file = yield from take_rmap_locks(st, t, mm, vpn, new_vpn)
    pte_alloc(st, mm, new_vpn)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    if not same_table(st, mm, vpn, new_vpn):
        yield from pte_offset_map_lock(st, t, mm, new_vpn)
    yield from flush_tlb_batched_pending(st, t, mm)
    pte = ptep_get_and_clear(st, mm, vpn)
    set_pte_at(st, mm, new_vpn, move_soft_dirty_pte(pte))
    owner_moves(st, t, mm, vpn, new_vpn)
    if pte_present(pte):
        yield "PTE moved, TLB not flushed"
        yield from flush_tlb_mm_range(st, t, mm, vpn, vpn + 1)
    if not same_table(st, mm, vpn, new_vpn):
        pte_unmap_unlock(st, mm, new_vpn)
    pte_unmap_unlock(st, mm, vpn)
    drop_rmap_locks(st, vm_file)


def sys_mremap(st, t, start, end, new_start):
    """mm/mremap.c mremap(), v6.12, MREMAP_MAYMOVE | MREMAP_FIXED: 0, or -EFAULT."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    ret = yield from remap_move(st, t, start, end, new_start)
    check_revoked(st, t)
    mmap_write_unlock(st, mm)
    return ret


def remap_move(st, t, start, end, new_start):
    """mm/mremap.c mremap(), v6.12, with mmap_lock held for writing: something must be mapped at
    `start` before anything else is looked at."""
    if not range_is_mapped(st, st.task[t].mm, start, start + 1):
        return -EFAULT
    return (yield from mremap_to(st, t, start, end, new_start))


def mremap_to(st, t, start, end, new_start):
    """mm/mremap.c mremap_to(), v6.12: what is in the way is unmapped first, even if then
    vma_to_resize() says -EFAULT, for the range is not of one VMA, or -EINVAL, for its file chooses
    the place. KSM pages do not move, they are copied (move_vma()). Locks: mmap_lock held for
    writing."""
    mm = st.task[t].mm
    new_end = new_start + end - start
    if not can_modify_vma(st, mm, start):
        return -EPERM
    ret = split_for_munmap(st, mm, new_start, new_end)
    if ret != 0:
        return ret
    yield from vma_adjust_trans_huge(st, t, mm, new_start, new_end)
    if range_is_mapped(st, mm, new_start, new_end):
        remove_vmas(st, mm, new_start, new_end)
        yield from unmap_region(st, t, mm, new_start, new_end)
    if vma_end(st, mm, start, end) < end:
        return -EFAULT
    file = st.mm[mm].vma[start].vm_file - 1
    if file >= 0:
        ret = get_unmapped_area(st, file, new_start, end - start, MAP_FIXED)
        if ret != 0:
            return ret
    if split_vmas(st, mm, start, end) != 0:
        return -EINVAL
    yield from unmerge_ksm_pages(st, t, mm, start, end)
    yield from copy_vmas(st, t, mm, start, end, new_start)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, start, end)
    for i in range(end - start):
        if pmd_trans_huge(pmdp_get(st, mm, start + i)):
            pages = end - start - i
            yield from move_or_split_huge_pmd(st, t, mm, start + i, new_start + i, pages)
        if pmd_has_table(pmdp_get(st, mm, start + i)):
            yield from move_ptes(st, t, mm, start + i, new_start + i)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    remove_vmas(st, mm, start, end)
    yield from unmap_region(st, t, mm, start, end)
    return 0
