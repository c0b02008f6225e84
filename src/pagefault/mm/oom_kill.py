"""The OOM reaper: takes the pages of a victim away, so that who waits for memory gets some.

Models mm/oom_kill.c. The victim is dying: what it does meanwhile is left out, and so are its choice
and the tries again where mmap_lock is held by a writer.
"""

from pagefault.consts import EAGAIN, MMAP_LOCK_WRITER, MMF_OOM_SKIP, MMF_UNSTABLE
from pagefault.hw.monitor import owner_gave_up, owner_gives_up
from pagefault.mm.mmap_lock import mmap_read_unlock
from pagefault.mm.mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate,
    mmu_notifier_invalidate_range_end,
)
from pagefault.mm.vma import vma_end
from pagefault.mm.zap import zap_pte_range


def reap_vma(st, t, mm, start, end):
    """One VMA of __oom_reap_task_mm(): 0, or -EAGAIN if a notifier would have to wait."""
    tlb_gather_mmu(st, t, mm)
    ret = yield from mmu_notifier_invalidate(st, t, mm, start, end, 0)
    if ret == 0:
        owner_gives_up(st, mm, start, end)
        yield from zap_pte_range(st, t, mm, start, end, 1)
        yield from mmu_notifier_invalidate_range_end(st, t, mm)
    yield from tlb_finish_mmu(st, t, mm)
    if ret == 0:
        owner_gave_up(st, mm, start, end)
    return ret


def sys_reap(st, t, task):
    """mm/oom_kill.c oom_reap_task_mm() and __oom_reap_task_mm(), v6.12: 0, or -EAGAIN if something
    was left. Who waits for memory waits no longer, either way. Locks: mmap_lock for reading."""
    mm = st.task[task].mm
    yield "mmap_lock tried for reading"
    if st.mm[mm].mmap_lock == MMAP_LOCK_WRITER or st.mm[mm].mm_users == 0:
        return -EAGAIN
    st.mm[mm].mmap_lock += 1
    st.mm[mm].mm_flags |= MMF_UNSTABLE
    ret = 0
    vpn = 0
    while vpn < st.nr_vpns:
        next_vpn = vma_end(st, mm, vpn, st.nr_vpns)
        if next_vpn > vpn:
            reaped = yield from reap_vma(st, t, mm, vpn, next_vpn)
            if reaped < 0:
                ret = reaped
        vpn = max(next_vpn, vpn + 1)
    st.mm[mm].mm_flags |= MMF_OOM_SKIP
    mmap_read_unlock(st, mm)
    return ret
