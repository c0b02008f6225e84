"""What each kind of secondary MMU does when it is told of a change: its struct mmu_notifier_ops.

All have entries and a lock of their own for them: kvm->mmu_lock, an RDMA region's umem_mutex.
KVM's are in virt/kvm/kvm_main.c, RDMA's in drivers/infiniband/hw/mlx5/odp.c.
"""

from pagefault.consts import (
    BLOCKED,
    BUG_UNLOCK,
    FOLL_GET,
    FOLL_PIN,
    MIRROR_GPC,
    MIRROR_USER_MAP,
    PAGE_PRESENT,
    PAGE_RW,
    SPTE_REFERENCED,
)
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.pgtable import mk_pte, pte_pfn
from pagefault.mm.page_alloc import folio_mark_dirty, folio_ungrab, is_zero_pfn

SEQ_MASK = 63  # sequence numbers wrap, so that programs of any length fit the state


def next_seq(seq):
    return (seq + 1) & SEQ_MASK


# --- entries and their lock ----------------------------------------------------------------------


def secondary_lock(st, t, s):
    """The follower's own lock, under which entries are made and dropped."""
    yield "lock of the secondary MMU"
    while st.secondary[s].lock:
        yield BLOCKED
    st.secondary[s].lock = 1


def secondary_unlock(st, s):
    VM_BUG_ON(st, not st.secondary[s].lock, BUG_UNLOCK)
    st.secondary[s].lock = 0


def set_spte(st, s, vpn, pfn, write, referenced):
    """Map `pfn` for the device; `referenced`: the entry takes over a reference. Its lock held."""
    zap_sptes(st, s, vpn, vpn + 1)
    spte = mk_pte(pfn, PAGE_PRESENT)
    if write:
        spte |= PAGE_RW
    if referenced and not is_zero_pfn(pfn):
        spte |= SPTE_REFERENCED
    st.secondary[s].spte[vpn] = spte


def zap_sptes(st, s, start, end):
    """Drop the entries of vpns [start, end). The device forgets them in the same step: KVM flushes
    its guests' TLBs, and RDMA its NIC, before the lock of the entries goes."""
    for vpn in range(start, end):
        spte = st.secondary[s].spte[vpn]
        st.secondary[s].spte[vpn] = 0
        if spte & PAGE_RW and zap_makes_dirty(st, s):
            folio_mark_dirty(st, pte_pfn(spte))
        if spte & SPTE_REFERENCED:
            folio_ungrab(st, pte_pfn(spte), spte_gup_flags(st, s))


def zap_makes_dirty(st, s):
    """What a device could write counts as written: arch/x86/kvm/mmu/tdp_mmu.c handle_changed_spte()
    and drivers/infiniband/core/umem_odp.c ib_umem_odp_unmap_dma_pages(), v6.12. The PTE knows
    nothing of it. KVM's pfn cache does not say so (pfncache.c, kvm_release_pfn_clean())."""
    return st.secondary[s].kind != MIRROR_GPC


def spte_gup_flags(st, s):
    """How the reference of an entry was taken: user_map pins, the others get."""
    if st.secondary[s].kind == MIRROR_USER_MAP:
        return FOLL_PIN
    return FOLL_GET


# --- KVM -----------------------------------------------------------------------------------------


def kvm_mmu_notifier_invalidate_range_start(st, t, s, start, end):
    """virt/kvm/kvm_main.c kvm_mmu_notifier_invalidate_range_start(), v6.12: from here to the end no
    fault may map anything. Left out: memory slots. Locks: takes mmu_lock."""
    yield from secondary_lock(st, t, s)
    st.secondary[s].in_progress += 1
    zap_sptes(st, s, start, end)
    secondary_unlock(st, s)


def kvm_mmu_notifier_invalidate_range_end(st, t, s):
    """virt/kvm/kvm_main.c kvm_mmu_notifier_invalidate_range_end(), v6.12: a fault that began before
    sees another number. Locks: takes mmu_lock."""
    yield from secondary_lock(st, t, s)
    st.secondary[s].invalidate_seq = next_seq(st.secondary[s].invalidate_seq)
    st.secondary[s].in_progress -= 1
    secondary_unlock(st, s)


def gfn_to_pfn_cache_invalidate_start(st, t, s, start, end):
    """virt/kvm/pfncache.c gfn_to_pfn_cache_invalidate_start(), v6.12, as KVM's callback has it:
    mn_active_invalidate_count (`private[0]`) goes up, the cache becomes invalid, and only then
    mmu_invalidate_in_progress goes up. Locks: takes the cache's lock, then mmu_lock."""
    st.secondary[s].private[0] += 1
    yield from secondary_lock(st, t, s)
    zap_sptes(st, s, start, end)
    secondary_unlock(st, s)
    yield "cache invalid, mmu_lock not taken"
    st.secondary[s].in_progress += 1


def gfn_to_pfn_cache_invalidate_end(st, t, s):
    """virt/kvm/kvm_main.c kvm_mmu_notifier_invalidate_range_end(), v6.12: the number first, then
    the count. Locks: mmu_lock, within a step."""
    yield "mmu_lock not taken"
    st.secondary[s].invalidate_seq = next_seq(st.secondary[s].invalidate_seq)
    st.secondary[s].in_progress -= 1
    yield "number raised, count of active invalidations not lowered"
    st.secondary[s].private[0] -= 1


def mmu_invalidate_retry(st, s, seq):
    """include/linux/kvm_host.h mmu_invalidate_retry(), v6.12: what was looked up since `seq` was
    read may be about to go, or gone. Locks: mmu_lock held. Left out: the range (..._retry_gfn)."""
    return st.secondary[s].in_progress != 0 or st.secondary[s].invalidate_seq != seq


def mmu_notifier_retry_cache(st, s, seq):
    """virt/kvm/pfncache.c mmu_notifier_retry_cache(), v6.12: as mmu_invalidate_retry(), but by the
    count that goes up before the cache becomes invalid. Locks: the cache's lock held."""
    return st.secondary[s].private[0] != 0 or st.secondary[s].invalidate_seq != seq


# --- RDMA with on-demand paging ------------------------------------------------------------------


def mlx5_ib_invalidate_range(st, t, s, start, end, seq):
    """drivers/infiniband/hw/mlx5/odp.c mlx5_ib_invalidate_range(), v6.12: the interval takes the
    number of the invalidation, and its entries go. Locks: takes umem_mutex."""
    yield from secondary_lock(st, t, s)
    st.secondary[s].invalidate_seq = seq
    zap_sptes(st, s, start, end)
    secondary_unlock(st, s)


# --- user_map ------------------------------------------------------------------------------------


def user_map_invalidate(st, t, s, start, end, seq, may_wait):
    """Not in Linux: what a section of user_map (mm/user_map.py) does when its page is about to go.
    0, or -EAGAIN if it would have to wait and may not.

    Nothing, unless a design says otherwise: the page is pinned until the section is left.
    """
    yield "user_map told"
    return 0
