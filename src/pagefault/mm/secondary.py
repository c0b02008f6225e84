"""Devices and guests that follow an address space: how they come to their entries and use them.

Three ways. KVM looks a page up by GUP and maps it unless an invalidation came in between
(arch/x86/kvm/mmu/mmu.c), and so do the caches by which it reaches guest memory itself
(virt/kvm/pfncache.c). RDMA with on-demand paging reads the page tables by HMM, without a reference
(mm/hmm.c, drivers/infiniband/core/umem_odp.c). With shared virtual addressing the IOMMU walks the
page tables itself and asks the kernel for faults (drivers/iommu/iommu-sva.c).
"""

from pagefault.consts import (
    EFAULT,
    EINVAL,
    FAULT_FLAG_REMOTE,
    FAULT_FLAG_WRITE,
    FOLL_GET,
    FOLL_HONOR_NUMA_FAULT,
    FOLL_REMOTE,
    FOLL_SLOW,
    FOLL_WRITE,
    MIRROR_FREE,
    MIRROR_GPC,
    MIRROR_KVM,
    MIRROR_LIVE,
    MIRROR_ODP,
    MIRROR_SVA,
    MIRROR_USER_MAP,
    NO_MM,
    VM_FAULT_SIGBUS,
    VM_IO,
    VM_PFNMAP,
    WAITING,
)
from pagefault.hw.iommu import iommu_translate, secondary_load, secondary_store, spte_permits
from pagefault.hw.monitor import expect_write
from pagefault.hw.pgtable import pte_pfn, pte_present, pte_protnone, pte_write, ptep_get
from pagefault.mm.exit import mmget_not_zero, mmput
from pagefault.mm.fault import access_error
from pagefault.mm.gup import gup_fast_fallback, gup_put_folio
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.memory import handle_mm_fault
from pagefault.mm.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
)
from pagefault.mm.mmu_notifier import (
    mmu_interval_read_begin,
    mmu_interval_read_retry,
    mmu_notifier_register,
    mmu_notifier_unregister,
)
from pagefault.mm.notifier_ops import (
    mmu_invalidate_retry,
    mmu_notifier_retry_cache,
    secondary_lock,
    secondary_unlock,
    set_spte,
    zap_sptes,
)
from pagefault.mm.page_alloc import is_zero_pfn
from pagefault.mm.user_map import user_map_read, user_map_write

# --- KVM -----------------------------------------------------------------------------------------


def spte_keeps_reference(st, s):
    """Whether an entry holds a reference for as long as it is there. Never in v6.12: KVM drops
    GUP's once the page is mapped."""
    return 0


def kvm_gup_flags(st, t, write):
    """A vCPU is a thread of the process and tries GUP-fast; who works for a device cannot. What the
    guest touches, it uses: NUMA hints are honoured."""
    gup_flags = FOLL_GET | FOLL_HONOR_NUMA_FAULT
    if write:
        gup_flags |= FOLL_WRITE
    if st.task[t].mm == NO_MM:
        gup_flags |= FOLL_SLOW | FOLL_REMOTE
    return gup_flags


def kvm_faultin_pfn(st, t, s, vpn, write):
    """virt/kvm/kvm_main.c hva_to_pfn(), v6.12: the pfn with a reference, or -EFAULT. Left out:
    mapping a page writable on a read fault where its PTE is."""
    gup_flags = kvm_gup_flags(st, t, write)
    return (yield from gup_fast_fallback(st, t, st.secondary[s].mm, vpn, gup_flags))


def kvm_release_pfn(st, pfn):
    """virt/kvm/kvm_main.c kvm_release_pfn_clean(), v6.12."""
    gup_put_folio(st, pfn, FOLL_GET)


def kvm_tdp_page_fault(st, t, s, vpn, write):
    """arch/x86/kvm/mmu/mmu.c kvm_tdp_mmu_page_fault(), v6.12: 0 to try again, or -EFAULT.

    Read the number, look the page up without mmu_lock, and map it only if nothing was invalidated
    meanwhile. Left out: fast_page_fault(), the early looks at the number that only save time.
    """
    seq = st.secondary[s].invalidate_seq
    yield "number read, page not looked up"
    pfn = yield from kvm_faultin_pfn(st, t, s, vpn, write)
    if pfn < 0:
        return -EFAULT
    keeps_reference = 0
    yield from secondary_lock(st, t, s)
    if st.secondary[s].in_use == MIRROR_LIVE and not mmu_invalidate_retry(st, s, seq):
        keeps_reference = spte_keeps_reference(st, s)
        set_spte(st, s, vpn, pfn, write, keeps_reference)
    secondary_unlock(st, s)
    if keeps_reference:
        return 0
    yield "mmu_lock dropped, reference still held"
    kvm_release_pfn(st, pfn)
    return 0


def hva_to_pfn_retry(st, t, s, vpn):
    """virt/kvm/pfncache.c hva_to_pfn_retry(), v6.12: refresh a cache that the kernel reaches guest
    memory by: 0 or -EFAULT. Always for writing; the page is not referenced once it is valid. Left
    out: refresh_lock. Locks: takes the cache's lock, and drops it for GUP."""
    yield from secondary_lock(st, t, s)
    zap_sptes(st, s, vpn, vpn + 1)
    while True:
        seq = st.secondary[s].invalidate_seq
        secondary_unlock(st, s)
        pfn = yield from kvm_faultin_pfn(st, t, s, vpn, 1)
        if pfn < 0:
            return -EFAULT
        yield from secondary_lock(st, t, s)
        if st.secondary[s].in_use != MIRROR_LIVE or not mmu_notifier_retry_cache(st, s, seq):
            if st.secondary[s].in_use == MIRROR_LIVE:
                set_spte(st, s, vpn, pfn, 1, 0)
            kvm_release_pfn(st, pfn)
            secondary_unlock(st, s)
            return 0
        kvm_release_pfn(st, pfn)


# --- HMM and RDMA --------------------------------------------------------------------------------


def hmm_pte_need_fault(pte, write):
    """mm/hmm.c hmm_pte_need_fault(), v6.12. The zero page is as good as any to read."""
    if not pte_present(pte) or pte_protnone(pte):
        return 1
    return write and not pte_write(pte)


def hmm_vma_refuses(st, mm, vpn):
    """mm/hmm.c hmm_vma_walk_test(), v6.12: what has no struct page, or is a device's."""
    return st.mm[mm].vma[vpn].vm_flags & (VM_IO | VM_PFNMAP)


def hmm_pfn(pte):
    """mm/hmm.c hmm_vma_handle_pte(), v6.12: what an entry has for a device, -EFAULT of a special
    one, but for the zero page's."""
    if vm_normal_page(pte) or is_zero_pfn(pte_pfn(pte)):
        return pte_pfn(pte)
    return -EFAULT


def hmm_range_fault(st, t, mm, vpn, write):
    """mm/hmm.c hmm_range_fault(), v6.12, of one page: its pfn, without a reference, or -EFAULT.

    Reads the PTE without the PTL: who calls must look at the interval's number under its own lock.
    Left out: -EBUSY where the number has changed already. Locks: mmap_lock held for reading.
    """
    while True:
        if access_error(st, mm, vpn, write) or hmm_vma_refuses(st, mm, vpn):
            return -EFAULT
        yield "PTE not read"
        pte = ptep_get(st, mm, vpn)
        if not hmm_pte_need_fault(pte, write):
            return hmm_pfn(pte)
        fault_flags = FAULT_FLAG_REMOTE
        if write:
            fault_flags |= FAULT_FLAG_WRITE
            expect_write(st, mm, vpn)
        ret = yield from handle_mm_fault(st, t, mm, vpn, fault_flags)
        if ret & VM_FAULT_SIGBUS:
            return -EFAULT


def ib_umem_odp_map_dma_and_lock(st, t, s, vpn, write):
    """drivers/infiniband/core/umem_odp.c ib_umem_odp_map_dma_and_lock(), v6.12: -EFAULT, or 0 with
    the page mapped. Locks: takes mmap_lock for reading, then umem_mutex; drops both."""
    mm = st.secondary[s].mm
    seq = yield from mmu_interval_read_begin(st, t, s)
    yield from mmap_read_lock(st, t, mm)
    pfn = yield from hmm_range_fault(st, t, mm, vpn, write)
    mmap_read_unlock(st, mm)
    if pfn < 0:
        return -EFAULT
    yield from secondary_lock(st, t, s)
    if st.secondary[s].in_use == MIRROR_LIVE and not mmu_interval_read_retry(st, s, seq):
        set_spte(st, s, vpn, pfn, write, 0)
    secondary_unlock(st, s)
    return 0


# --- shared virtual addressing -------------------------------------------------------------------


def iommu_sva_handle_mm(st, t, s, vpn, write):
    """drivers/iommu/iommu-sva.c iommu_sva_handle_mm(), v6.12: a page request (PRI) of the device;
    0 and the device walks again, or -EFAULT. Locks: takes mmap_lock for reading."""
    mm = st.secondary[s].mm
    yield from mmap_read_lock(st, t, mm)
    ret = 0
    if access_error(st, mm, vpn, write):
        ret = -EFAULT
    else:
        fault_flags = FAULT_FLAG_REMOTE
        if write:
            fault_flags |= FAULT_FLAG_WRITE
            expect_write(st, mm, vpn)
        fault = yield from handle_mm_fault(st, t, mm, vpn, fault_flags)
        if fault & VM_FAULT_SIGBUS:
            ret = -EFAULT
    mmap_read_unlock(st, mm)
    return ret


# --- what a program sees -------------------------------------------------------------------------


def sys_mirror(st, t, s, kind):
    """mm/mmu_notifier.c mmu_notifier_register(), v6.12: what KVM_CREATE_VM, an RDMA region with
    on-demand paging and iommu_sva_bind_device() do. Locks: takes mmap_lock for writing."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    mmu_notifier_register(st, s, mm, kind)
    mmap_write_unlock(st, mm)
    return 0


def mirror_settled(st, s):
    return st.secondary[s].in_use != MIRROR_FREE


def mirror_find(st, s, vpn, write):
    """The entry by which the device can reach the page now, or 0."""
    if st.secondary[s].in_use != MIRROR_LIVE:
        return 0
    if st.secondary[s].kind == MIRROR_SVA:
        return iommu_translate(st, s, vpn, write)
    if spte_permits(st.secondary[s].spte[vpn], write):
        return st.secondary[s].spte[vpn]
    return 0


def mirror_fault(st, t, s, vpn, write):
    """The device has no entry that will do: 0 to look again, -EFAULT, or -EINVAL if it follows the
    address space no more. Holds the mm meanwhile, which may be the last to do so."""
    mm = st.secondary[s].mm
    if st.secondary[s].in_use != MIRROR_LIVE or not mmget_not_zero(st, mm):
        return -EINVAL
    if st.secondary[s].kind == MIRROR_KVM:
        ret = yield from kvm_tdp_page_fault(st, t, s, vpn, write)
    elif st.secondary[s].kind == MIRROR_GPC:
        ret = yield from hva_to_pfn_retry(st, t, s, vpn)
    elif st.secondary[s].kind == MIRROR_ODP:
        ret = yield from ib_umem_odp_map_dma_and_lock(st, t, s, vpn, write)
    else:
        ret = yield from iommu_sva_handle_mm(st, t, s, vpn, write)
    yield from mmput(st, t, mm)
    return ret


def sys_mirror_read(st, t, s, vpn, cell):
    """The device reads a cell by its own entry: the value, -EFAULT, or -EINVAL once it follows the
    address space no more."""
    while not mirror_settled(st, s):
        yield WAITING
    if st.secondary[s].kind == MIRROR_USER_MAP:
        return (yield from user_map_read(st, t, s, vpn, cell))
    while True:
        spte = mirror_find(st, s, vpn, 0)
        if spte != 0:
            return secondary_load(st, s, vpn, spte, cell)
        ret = yield from mirror_fault(st, t, s, vpn, 0)
        if ret < 0:
            return ret
        yield "device looks again"


def sys_mirror_write(st, t, s, vpn, cell, value):
    """The device writes a cell by its own entry: 0, -EFAULT, or -EINVAL."""
    while not mirror_settled(st, s):
        yield WAITING
    if st.secondary[s].kind == MIRROR_USER_MAP:
        return (yield from user_map_write(st, t, s, vpn, cell, value))
    while True:
        spte = mirror_find(st, s, vpn, 1)
        if spte != 0:
            secondary_store(st, s, vpn, spte, cell, value)
            return 0
        ret = yield from mirror_fault(st, t, s, vpn, 1)
        if ret < 0:
            return ret
        yield "device looks again"


def sys_mirror_has(st, t, s, vpn):
    """1 if the device can read the page without a fault, else 0."""
    while not mirror_settled(st, s):
        yield WAITING
    return st.secondary[s].spte[vpn] != 0


def sys_mirror_drop(st, t, s):
    """mm/mmu_notifier.c mmu_notifier_unregister(), v6.12: 0, or -EINVAL if it follows no more."""
    while not mirror_settled(st, s):
        yield WAITING
    yield from secondary_lock(st, t, s)
    if st.secondary[s].in_use != MIRROR_LIVE:
        secondary_unlock(st, s)
        return -EINVAL
    mmu_notifier_unregister(st, s)
    secondary_unlock(st, s)
    return 0
