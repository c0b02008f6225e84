"""madvise(). Models mm/madvise.c."""

from pagefault.consts import (
    EINVAL,
    ENOMEM,
    MADV_DOFORK,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_KEEPONFORK,
    MADV_PAGEOUT,
    MADV_WIPEONFORK,
    VM_DONTCOPY,
    VM_WIPEONFORK,
)
from pagefault.hw.monitor import check_revoked
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.memory import vm_normal_page
from pagefault.mm.mmap import range_is_mapped
from pagefault.mm.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
)
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.vma import vma_end, vma_merge
from pagefault.mm.vmscan import folio_isolate_lru, reclaim_pages
from pagefault.mm.zap import zap_page_range_single


def sys_madvise(st, t, start, end, advice):
    """mm/madvise.c do_madvise(), v6.12: 0, -ENOMEM where nothing is mapped, -EINVAL."""
    if advice == MADV_DONTNEED:
        return (yield from madvise_dontneed(st, t, start, end))
    if advice == MADV_PAGEOUT:
        return (yield from madvise_pageout(st, t, start, end))
    if new_vm_flags(0, advice) < 0:
        return -EINVAL
    return (yield from madvise_vma_behavior(st, t, start, end, advice))


def madvise_dontneed(st, t, start, end):
    """mm/madvise.c madvise_walk_vmas(), v6.12, of MADV_DONTNEED: under mmap_lock for reading, one
    VMA after another; holes are skipped, and reported at the end."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    ret = 0
    vpn = start
    while vpn < end:
        next_vpn = vma_end(st, mm, vpn, end)
        if next_vpn > vpn:
            yield from zap_page_range_single(st, t, mm, vpn, next_vpn, 1)
        else:
            ret = -ENOMEM
            next_vpn = vpn + 1
        vpn = next_vpn
    check_revoked(st, t)
    mmap_read_unlock(st, mm)
    return ret


def madvise_pageout(st, t, start, end):
    """mm/madvise.c madvise_pageout(), v6.12: reclaim the pages of a range, as far as may be. Under
    mmap_lock for reading; holes are skipped, and reported at the end."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    for vpn in range(start, end):
        yield from madvise_cold_or_pageout_pte_range(st, t, mm, vpn)
    mapped = range_is_mapped(st, mm, start, end)
    mmap_read_unlock(st, mm)
    if mapped != end - start:
        return -ENOMEM
    return 0


def madvise_cold_or_pageout_pte_range(st, t, mm, vpn):
    """mm/madvise.c madvise_cold_or_pageout_pte_range(), v6.12, of one page, for MADV_PAGEOUT. A
    page that more than one PTE maps stays: others may need it."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return
    pte = ptep_get(st, mm, vpn)
    isolated = 0
    if pte_present(pte) and vm_normal_page(pte) and st.page[pte_pfn(pte)].mapcount == 1:
        isolated = folio_isolate_lru(st, pte_pfn(pte))
    pte_unmap_unlock(st, mm, vpn)
    if isolated:
        yield from reclaim_pages(st, t, pte_pfn(pte))


def new_vm_flags(vm_flags, advice):
    """What an advice about fork makes of vm_flags; -1 for an advice that there is not."""
    if advice == MADV_DONTFORK:
        return vm_flags | VM_DONTCOPY
    if advice == MADV_DOFORK:
        return vm_flags & ~VM_DONTCOPY
    if advice == MADV_WIPEONFORK:
        return vm_flags | VM_WIPEONFORK
    if advice == MADV_KEEPONFORK:
        return vm_flags & ~VM_WIPEONFORK
    return -1


def madvise_update_vma(st, mm, start, end, advice):
    """mm/madvise.c madvise_update_vma(), v6.12, of one VMA."""
    old_flags = st.mm[mm].vma[start].vm_flags
    vm_flags = new_vm_flags(old_flags, advice)
    if vm_flags == old_flags:
        return
    for vpn in range(start, end):
        st.mm[mm].vma[vpn].vm_flags = vm_flags
    vma_merge(st, mm, start, end)


def madvise_vma_behavior(st, t, start, end, advice):
    """mm/madvise.c madvise_vma_behavior(), v6.12: the advices that set vm_flags, VMA by VMA; holes
    are skipped, and reported at the end."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    vpn = start
    while vpn < end:
        next_vpn = max(vpn + 1, vma_end(st, mm, vpn, end))
        if range_is_mapped(st, mm, vpn, next_vpn):
            madvise_update_vma(st, mm, vpn, next_vpn, advice)
        vpn = next_vpn
    mapped = range_is_mapped(st, mm, start, end)
    mmap_write_unlock(st, mm)
    if mapped != end - start:
        return -ENOMEM
    return 0
