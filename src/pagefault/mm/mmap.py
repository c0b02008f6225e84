"""mmap() and munmap(). Models mm/mmap.c, and what unmaps of mm/vma.c."""

from pagefault.consts import (
    EAGAIN,
    EBADF,
    EEXIST,
    EINVAL,
    ENOSYS,
    EPERM,
    FILE_SECRET,
    MAP_ANONYMOUS,
    MAP_DROPPABLE,
    MAP_FIXED,
    MAP_LOCKED,
    MAP_POPULATE,
    MAP_SHARED,
    MAP_VGETRANDOM,
    MMF_LOCK_FUTURE,
    MMF_LOCK_FUTURE_ONFAULT,
    NR_PMD,
    PROT_READ,
    PROT_WRITE,
    PTRS_PER_PTE,
    VM_DONTDUMP,
    VM_DROPPABLE,
    VM_EXCLUSIVE,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_MAPPED,
    VM_MAYREAD,
    VM_MAYWRITE,
    VM_READ,
    VM_SHARED,
    VM_SOFTDIRTY,
    VM_WIPEONFORK,
    VM_WRITE,
)
from pagefault.hw.monitor import check_revoked, owner_gave_up, owner_gives_up
from pagefault.hw.pgtable import pmd_has_table, pmd_table
from pagefault.mm.driver import (
    driver_mmap,
    get_unmapped_area,
    remove_driver_vmas,
    split_vmas,
)
from pagefault.mm.driver_kinds import is_driver
from pagefault.mm.gup import mm_populate
from pagefault.mm.huge_memory import vma_adjust_trans_huge
from pagefault.mm.i_mmap import (
    i_mmap_lock_write,
    i_mmap_unlock_write,
    unlink_file_vmas,
    vma_link_file,
)
from pagefault.mm.internal import can_do_mlock, vma_supports_mlock
from pagefault.mm.mmap_lock import (
    mmap_read_unlock,
    mmap_write_downgrade,
    mmap_write_lock,
    mmap_write_unlock,
)
from pagefault.mm.mmu_gather import (
    tlb_finish_mmu,
    tlb_gather_mmu,
    tlb_remove_table,
    tlb_track_range,
)
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.mseal import can_modify_mm
from pagefault.mm.secretmem import (
    fput_files,
    mlock_future_ok,
    secretmem_has_a_file,
    secretmem_mmap,
    secretmem_populates,
)
from pagefault.mm.uprobes import uprobe_mmap
from pagefault.mm.vma import set_vma, vma_end, vma_merge, vma_start
from pagefault.mm.zap import zap_pte_range

VM_LOCKED_MASK = VM_LOCKED | VM_LOCKONFAULT


def calc_vm_prot_bits(prot):
    """include/linux/mman.h calc_vm_prot_bits(), v6.12."""
    vm_flags = 0
    if prot & PROT_READ:
        vm_flags |= VM_READ
    if prot & PROT_WRITE:
        vm_flags |= VM_WRITE
    return vm_flags


def range_is_mapped(st, mm, start, end):
    """How many of vpns [start, end) belong to a VMA."""
    mapped = 0
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].vm_flags & VM_MAPPED:
            mapped += 1
    return mapped


def remove_vmas(st, mm, start, end):
    """The VMAs of vpns [start, end) leave the tree; their pages are zapped next. Until then those
    of a file can be found by it."""
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].vm_file:
            st.mm[mm].vma[vpn].vm_flags = 0
            st.mm[mm].vma[vpn].anon_vma = 0
        else:
            set_vma(st, mm, vpn, 0, 0)


def free_pgtables(st, t, mm):
    """mm/memory.c free_pgtables(), v6.12: queue each table that covers no VMA any more."""
    for i in range(NR_PMD):
        pmd = st.mm[mm].pmd[i]
        first = i * PTRS_PER_PTE
        if pmd_has_table(pmd) and not range_is_mapped(st, mm, first, first + PTRS_PER_PTE):
            st.mm[mm].pmd[i] = 0
            tlb_track_range(st, t, first)
            tlb_remove_table(st, t, pmd_table(pmd))


def unmap_region(st, t, mm, start, end):
    """mm/vma.c unmap_region(), v6.12: zap, free the tables, flush, free the pages. Who follows by
    notifiers is told around the zap; nothing is mapped there any more when the flush comes."""
    owner_gives_up(st, mm, start, end)
    tlb_gather_mmu(st, t, mm)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, start, end)
    yield from zap_pte_range(st, t, mm, start, end, 1)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    yield from unlink_file_vmas(st, t, mm, start, end)
    free_pgtables(st, t, mm)
    yield from tlb_finish_mmu(st, t, mm)
    owner_gave_up(st, mm, start, end)
    yield from remove_driver_vmas(st, t, mm, start, end)


def make_room(st, t, mm, start, end, map_flags):
    """mm/mmap.c do_mmap(), v6.12: 0, or -EEXIST if something is mapped there; with MAP_FIXED it is
    unmapped, or -EINVAL if a driver minds, -EPERM if it is sealed. Locks: mmap_lock held for
    writing."""
    if not range_is_mapped(st, mm, start, end):
        return 0
    if not map_flags & MAP_FIXED:
        return -EEXIST
    ret = split_for_munmap(st, mm, start, end)
    if ret != 0:
        return ret
    yield from vma_adjust_trans_huge(st, t, mm, start, end)
    remove_vmas(st, mm, start, end)
    yield from unmap_region(st, t, mm, start, end)
    check_revoked(st, t)
    return 0


def split_for_munmap(st, mm, start, end):
    """mm/vma.c vms_gather_munmap_vmas(), v6.12: 0, -EPERM where something is sealed, -EINVAL where
    a driver minds."""
    if not can_modify_mm(st, mm, start, end):
        return -EPERM
    if split_vmas(st, mm, start, end) != 0:
        return -EINVAL
    return 0


def droppable_vm_flags():
    """mm/mmap.c do_mmap(), v6.12, of MAP_DROPPABLE (since 6.11, commit 9651fcedf7b9): what can go
    at any time makes no sense in a child or a core dump. Negative where there is no such type.
    Left out: VM_NORESERVE; that MAP_HUGETLB and stacks are refused."""
    return VM_DROPPABLE | VM_WIPEONFORK | VM_DONTDUMP


def anon_vm_flags(prot, map_flags):
    """mm/mmap.c do_mmap(), v6.12: the vm_flags of anonymous memory, or -EINVAL. What is locked
    makes no sense to be droppable."""
    vm_flags = VM_MAPPED | VM_MAYREAD | VM_MAYWRITE | calc_vm_prot_bits(prot)
    vm_flags |= calc_vm_flag_bits(map_flags)
    if not map_flags & MAP_DROPPABLE:
        return vm_flags
    if droppable_vm_flags() < 0 or not droppable_is_a_type(map_flags) or map_flags & MAP_LOCKED:
        return -EINVAL
    return vm_flags | droppable_vm_flags()


def droppable_is_a_type(map_flags):
    """mm/mmap.c do_mmap(), v6.12: whether mmap() itself has droppable memory."""
    return 1


def has_vgetrandom_alloc():
    """Whether there is vgetrandom_alloc(2), proposed from v14 (January 2023) to v18."""
    return 0


def def_flags(st, mm):
    """mm->def_flags: what every new VMA is, since mlockall(MCL_FUTURE)."""
    vm_flags = 0
    if st.mm[mm].mm_flags & MMF_LOCK_FUTURE:
        vm_flags |= VM_LOCKED
    if st.mm[mm].mm_flags & MMF_LOCK_FUTURE_ONFAULT:
        vm_flags |= VM_LOCKONFAULT
    return vm_flags


def may_lock(st, mm, vm_flags, map_flags, nr_pages):
    """mm/mmap.c do_mmap(), v6.12: 0, -EPERM or -EAGAIN, of what is to be locked."""
    if map_flags & MAP_LOCKED and not can_do_mlock(st, mm):
        return -EPERM
    if vm_flags & VM_LOCKED and not mlock_future_ok(st, mm, nr_pages):
        return -EAGAIN
    return 0


def new_vma_supports_mlock(st, mm, vpn):
    """The question of mmap_region(), v6.12: since 6.12.86 that of mlock() (commit d239462787b0)."""
    return vma_supports_mlock(st, mm, vpn)


def mmap_region_locks(st, mm, start, end):
    """mm/mmap.c mmap_region(), v6.12: what cannot be locked is not, though it was to be."""
    for vpn in range(start, end):
        if not new_vma_supports_mlock(st, mm, vpn):
            st.mm[mm].vma[vpn].vm_flags &= ~VM_LOCKED_MASK


def mmap_populates(vm_flags, map_flags):
    """mm/mmap.c do_mmap(), v6.12: it goes by the flags that were asked for, so that droppable
    memory is filled under MCL_FUTURE, though it is not locked."""
    return vm_flags & VM_LOCKED or map_flags & MAP_POPULATE


def sys_mmap(st, t, start, end, prot, map_flags):
    """mm/mmap.c do_mmap(), v6.12, MAP_PRIVATE or MAP_DROPPABLE, MAP_ANONYMOUS. -EEXIST unless
    MAP_FIXED. A new VMA, or an old one that grew, is soft-dirty as a whole."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    locked_flags = calc_vm_flag_bits(map_flags) | def_flags(st, mm)
    ret = may_lock(st, mm, locked_flags, map_flags, end - start)
    if ret == 0:
        ret = min(anon_vm_flags(prot, map_flags), 0)
    if ret == 0:
        ret = yield from make_room(st, t, mm, start, end, map_flags)
    if ret == 0:
        new_anon_vma(st, mm, start, end, anon_vm_flags(prot, map_flags) | locked_flags)
    mmap_write_unlock(st, mm)
    if ret == 0 and mmap_populates(locked_flags, map_flags):
        yield from mm_populate(st, t, mm, start, end)
    return ret


def sys_vgetrandom_alloc(st, t, start, end, map_flags):
    """vgetrandom_alloc(2): droppable memory for the state of the vDSO's getrandom(), or -ENOSYS."""
    if not has_vgetrandom_alloc():
        return -ENOSYS
    map_flags |= MAP_ANONYMOUS | MAP_DROPPABLE | MAP_VGETRANDOM
    return (yield from sys_mmap(st, t, start, end, PROT_READ | PROT_WRITE, map_flags))


def new_anon_vma(st, mm, start, end, vm_flags):
    """mm/mmap.c mmap_region(), v6.12, of anonymous memory. Locks: mmap_lock held for writing."""
    for vpn in range(start, end):
        set_vma(st, mm, vpn, vm_flags, 0)
    mmap_region_locks(st, mm, start, end)
    vma_complete(st, mm, start, end)


def vma_complete(st, mm, start, end):
    """mm/vma.c vma_complete(), v6.12, of a new VMA: what it has become is soft-dirty as a whole."""
    vma_merge(st, mm, start, end)
    for vpn in range(vma_start(st, mm, start), vma_end(st, mm, start, st.nr_vpns)):
        st.mm[mm].vma[vpn].vm_flags |= VM_SOFTDIRTY


def calc_vm_flag_bits(map_flags):
    """include/linux/mman.h calc_vm_flag_bits(), v6.12, and what do_mmap() makes of MAP_SHARED."""
    vm_flags = 0
    if map_flags & MAP_SHARED:
        vm_flags |= VM_SHARED
    if map_flags & MAP_LOCKED:
        vm_flags |= VM_LOCKED
    return vm_flags


def sys_mmap_file(st, t, start, end, file, prot, kind, map_flags):
    """mm/mmap.c do_mmap(), v6.12, of a file that is open for reading and writing, from its page 0.
    -EEXIST unless MAP_FIXED. What `kind` the file is of, it has been since boot. A file that has
    something against being mapped so says it when what was there is unmapped."""
    mm = st.task[t].mm
    if st.file[file].closed:
        return -EBADF
    yield from mmap_write_lock(st, t, mm)
    ret = get_unmapped_area(st, file, start, end - start, map_flags)
    if ret == 0:
        ret = may_lock(st, mm, def_flags(st, mm), map_flags, end - start)
    if ret == 0:
        ret = yield from make_room(st, t, mm, start, end, map_flags)
    populates = 0
    if ret == 0:
        vm_flags = VM_MAPPED | VM_MAYREAD | VM_MAYWRITE | calc_vm_prot_bits(prot)
        vm_flags |= calc_vm_flag_bits(map_flags) | def_flags(st, mm)
        populates = mmap_populates(vm_flags, map_flags)
        if kind == FILE_SECRET:
            vm_flags = secretmem_mmap(st, mm, vm_flags, end - start)
        ret = min(vm_flags, 0)
        if ret == 0:
            yield from link_new_vma(st, t, mm, start, end, file, vm_flags)
            if is_driver(kind):
                ret = yield from call_mmap(st, t, mm, start, end, file)
                mmap_region_locks(st, mm, start, end)
            yield from uprobe_mmap(st, t, mm, start, end, file)
    mmap_write_unlock(st, mm)
    if ret == 0 and (populates or (kind == FILE_SECRET and secretmem_populates())):
        yield from mm_populate(st, t, mm, start, end)
    return ret


def link_new_vma(st, t, mm, start, end, file, vm_flags):
    """mm/vma.c vma_link(), v6.12: the VMA is in the tree, and the file knows of it. What another
    design makes of exclusive memory need have no file. Locks: mmap_lock held for writing."""
    if vm_flags & VM_EXCLUSIVE and not secretmem_has_a_file():
        for vpn in range(start, end):
            set_vma(st, mm, vpn, vm_flags, 0)
        vma_complete(st, mm, start, end)
        return
    yield from i_mmap_lock_write(st, t, file)
    for vpn in range(start, end):
        set_vma(st, mm, vpn, vm_flags, 0)
        vma_link_file(st, mm, vpn, file, vpn - start)
    vma_complete(st, mm, start, end)
    i_mmap_unlock_write(st, file)


def call_mmap(st, t, mm, start, end, file):
    """mm/mmap.c mmap_region(), v6.12: the driver maps its pages; where it fails the VMA goes."""
    ret = yield from driver_mmap(st, t, mm, start, end, file)
    if ret != 0:
        remove_vmas(st, mm, start, end)
        yield from unmap_region(st, t, mm, start, end)
        check_revoked(st, t)
    return ret


def sys_munmap(st, t, start, end):
    """mm/vma.c do_vmi_align_munmap(), v6.12: the VMAs go under the write lock, the pages under the
    read lock. -EINVAL where a driver does not let its VMA be split, -EPERM of what is sealed."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    ret = split_for_munmap(st, mm, start, end)
    if ret != 0:
        mmap_write_unlock(st, mm)
        return ret
    if range_is_mapped(st, mm, start, end):
        yield from vma_adjust_trans_huge(st, t, mm, start, end)
        remove_vmas(st, mm, start, end)
        mmap_write_downgrade(st, mm)
        yield from unmap_region(st, t, mm, start, end)
        check_revoked(st, t)
        mmap_read_unlock(st, mm)
        yield from fput_files(st, t)
    else:
        mmap_write_unlock(st, mm)
    return 0
