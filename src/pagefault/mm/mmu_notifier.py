"""Who wants to know when an address space changes under it. Models mm/mmu_notifier.c.

An operation that takes pages or rights away tells first (start), so that nobody maps or keeps what
is about to go, then changes the PTEs, then says that it is done (end). Callbacks of two kinds: a
list (KVM), and interval notifiers with a sequence number to retry by (HMM and RDMA). A third kind
has neither: it walks the CPU's page tables and is told by the CPU's TLB flush (hw/iommu.py).

Left out: intervals that cover a part of an address space, and so the deferred list; events and
their owners; SRCU; test_young and clear_young.
"""

from pagefault.consts import (
    BLOCKED,
    MIRROR_FREE,
    MIRROR_GONE,
    MIRROR_GPC,
    MIRROR_KVM,
    MIRROR_LIVE,
    MIRROR_ODP,
    MIRROR_USER_MAP,
    NR_SECONDARY,
)
from pagefault.hw.iotlb import is_live
from pagefault.mm.notifier_ops import (
    gfn_to_pfn_cache_invalidate_end,
    gfn_to_pfn_cache_invalidate_start,
    kvm_mmu_notifier_invalidate_range_end,
    kvm_mmu_notifier_invalidate_range_start,
    mlx5_ib_invalidate_range,
    next_seq,
    user_map_invalidate,
    zap_sptes,
)


def mm_has_notifiers(st, mm):
    """include/linux/mmu_notifier.h mm_has_notifiers(), v6.12: once true, until the mm is gone."""
    for s in range(NR_SECONDARY):
        if st.secondary[s].in_use != MIRROR_FREE and st.secondary[s].mm == mm:
            return 1
    return 0


def has_itree(st, mm):
    """struct mmu_notifier_subscriptions has_itree, v6.12: somebody uses interval notifiers."""
    for s in range(NR_SECONDARY):
        if is_live(st, s, mm, MIRROR_ODP) or is_live(st, s, mm, MIRROR_USER_MAP):
            return 1
    return 0


def mmu_notifier_range_blockable(blockable):
    """include/linux/mmu_notifier.h mmu_notifier_range_blockable(), v6.12: callbacks may wait. The
    OOM reaper's may not: what they wait for might need the memory that it is about to free."""
    return blockable


def mn_itree_inv_start_range(st, mm):
    """mm/mmu_notifier.c mn_itree_inv_start_range(), v6.12: odd while a range is being invalidated.
    Returns the number. Locks: subscriptions->lock, within this step."""
    st.mm[mm].notifier_active += 1
    if has_itree(st, mm):
        st.mm[mm].notifier_seq |= 1
    return st.mm[mm].notifier_seq


def mn_itree_inv_end(st, mm):
    """mm/mmu_notifier.c mn_itree_inv_end(), v6.12: the last one makes it even, and wakes up who
    waits. Locks: subscriptions->lock, within this step."""
    st.mm[mm].notifier_active -= 1
    if st.mm[mm].notifier_active == 0 and st.mm[mm].notifier_seq & 1:
        st.mm[mm].notifier_seq = next_seq(st.mm[mm].notifier_seq)


def mmu_notifier_invalidate_range_start(st, t, mm, start, end):
    """include/linux/mmu_notifier.h mmu_notifier_invalidate_range_start(), v6.12: vpns [start, end)
    are about to change. Callbacks may sleep."""
    yield from mmu_notifier_invalidate(st, t, mm, start, end, 1)


def mmu_notifier_invalidate(st, t, mm, start, end, blockable):
    """mm/mmu_notifier.c __mmu_notifier_invalidate_range_start(), v6.12: intervals first, then the
    list. 0, or -EAGAIN if a callback would have to wait and may not; then there is no end."""
    if not mm_has_notifiers(st, mm):
        return 0
    yield "about to change, notifiers not told"
    seq = mn_itree_inv_start_range(st, mm)
    for s in range(NR_SECONDARY):
        if is_live(st, s, mm, MIRROR_ODP):
            yield from mlx5_ib_invalidate_range(st, t, s, start, end, seq)
        elif is_live(st, s, mm, MIRROR_USER_MAP):
            may_wait = mmu_notifier_range_blockable(blockable)
            ret = yield from user_map_invalidate(st, t, s, start, end, seq, may_wait)
            if ret != 0:
                mn_itree_inv_end(st, mm)
                return ret
    for s in range(NR_SECONDARY):
        if is_live(st, s, mm, MIRROR_KVM):
            yield from kvm_mmu_notifier_invalidate_range_start(st, t, s, start, end)
        elif is_live(st, s, mm, MIRROR_GPC):
            yield from gfn_to_pfn_cache_invalidate_start(st, t, s, start, end)
    return 0


def mmu_notifier_invalidate_range_end(st, t, mm):
    """mm/mmu_notifier.c __mmu_notifier_invalidate_range_end(), v6.12: what is there now may be
    mapped again."""
    if not mm_has_notifiers(st, mm):
        return
    yield "changed, notifiers not told"
    mn_itree_inv_end(st, mm)
    for s in range(NR_SECONDARY):
        if is_live(st, s, mm, MIRROR_KVM):
            yield from kvm_mmu_notifier_invalidate_range_end(st, t, s)
        elif is_live(st, s, mm, MIRROR_GPC):
            yield from gfn_to_pfn_cache_invalidate_end(st, t, s)


def mmu_interval_read_begin(st, t, s):
    """mm/mmu_notifier.c mmu_interval_read_begin(), v6.12: the number to retry by. Waits while the
    range is being invalidated: what would be read now would have to be read again."""
    seq = st.secondary[s].invalidate_seq
    if seq == st.mm[st.secondary[s].mm].notifier_seq:
        yield "range is being invalidated"
        while st.mm[st.secondary[s].mm].notifier_seq == seq:
            yield BLOCKED
    return seq


def mmu_interval_read_retry(st, s, seq):
    """include/linux/mmu_notifier.h mmu_interval_read_retry(), v6.12: what was read since `seq` may
    be gone. Locks: the user's lock held, umem_mutex for instance."""
    return st.secondary[s].invalidate_seq != seq


def mmu_notifier_register(st, s, mm, kind):
    """mm/mmu_notifier.c __mmu_notifier_register(), v6.12. Locks: mmap_lock held for writing, so
    that no invalidation is under way; Linux takes those of all VMAs, anon_vmas and files as well.
    """
    st.secondary[s].in_use = MIRROR_LIVE
    st.secondary[s].mm = mm
    st.secondary[s].kind = kind
    if st.mm[mm].notifier_seq == 0:
        st.mm[mm].notifier_seq = 2
    if kind in (MIRROR_ODP, MIRROR_USER_MAP):
        st.secondary[s].invalidate_seq = st.mm[mm].notifier_seq - 1


def mmu_notifier_unregister(st, s):
    """mm/mmu_notifier.c mmu_notifier_unregister(), v6.12: the last callback is release(), which
    drops all entries. Left out: the wait for callbacks that run (SRCU)."""
    zap_sptes(st, s, 0, st.nr_vpns)
    st.secondary[s].in_use = MIRROR_GONE


def mmu_notifier_release(st, t, mm):
    """mm/mmu_notifier.c __mmu_notifier_release(), v6.12: the address space is torn down. Whoever
    follows it drops its entries and maps nothing more; nobody is told of the zap that comes."""
    if not mm_has_notifiers(st, mm):
        return
    yield "last user gone, notifiers not told"
    for s in range(NR_SECONDARY):
        if st.secondary[s].in_use == MIRROR_LIVE and st.secondary[s].mm == mm:
            mmu_notifier_unregister(st, s)
