"""NUMA balancing: entries are made inaccessible for a while, to learn who uses a page. Models
mm/mempolicy.c and kernel/sched/fair.c.

Left out: nodes, and so that a page which is touched migrates; when and how much is scanned.
"""

from pagefault.consts import MM_CP_PROT_NUMA, MMAP_LOCK_WRITER
from pagefault.hw.monitor import check_revoked
from pagefault.mm.internal import vma_is_accessible
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from pagefault.mm.mprotect import change_protection
from pagefault.mm.vma import vma_end


def change_prot_numa(st, t, mm, start, end):
    """mm/mempolicy.c change_prot_numa(), v6.12."""
    tlb_gather_mmu(st, t, mm)
    yield from change_protection(st, t, mm, start, end, MM_CP_PROT_NUMA)
    yield from tlb_finish_mmu(st, t, mm)


def sys_numa_hint(st, t, start, end):
    """kernel/sched/fair.c task_numa_work(), v6.12, by a task before it returns to user space: 0.

    VMA by VMA, where they are accessible. If somebody holds mmap_lock for writing, not now.
    """
    mm = st.task[t].mm
    yield "mmap_lock for reading, if it is free"
    if st.mm[mm].mmap_lock == MMAP_LOCK_WRITER:
        return 0
    yield from mmap_read_lock(st, t, mm)
    vpn = start
    while vpn < end:
        next_vpn = max(vma_end(st, mm, vpn, end), vpn + 1)
        if vma_is_accessible(st, mm, vpn):
            yield from change_prot_numa(st, t, mm, vpn, next_vpn)
        vpn = next_vpn
    check_revoked(st, t)
    mmap_read_unlock(st, mm)
    return 0
