"""NUMA balancing: entries are made inaccessible for a while, to learn who uses a page. Models
mm/mempolicy.c and kernel/sched/fair.c.

Left out: nodes, and so that a page which is touched migrates; when and how much is scanned.
"""

from pagefault.consts import MM_CP_PROT_NUMA, MMAP_LOCK_WRITER, VM_MIXEDMAP, VM_READ, VM_WRITE
from pagefault.hw.monitor import check_revoked
from pagefault.mm.internal import vma_is_accessible, vma_migratable
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from pagefault.mm.mprotect import change_protection
from pagefault.mm.vma import vma_end


def change_prot_numa(st, t, mm, start, end):
    """mm/mempolicy.c change_prot_numa(), v6.12."""
    tlb_gather_mmu(st, t, mm)
    yield from change_protection(st, t, mm, start, end, MM_CP_PROT_NUMA)
    yield from tlb_finish_mmu(st, t, mm)


def numa_scans_vma(st, mm, vpn):
    """The question of task_numa_work(), v6.12: neither what cannot move, nor what a driver has
    mapped, nor what is only read of a file, by many as likely as not."""
    vma = st.mm[mm].vma[vpn]
    if not vma_migratable(st, mm, vpn) or vma.vm_flags & VM_MIXEDMAP:
        return 0
    if vma.vm_file and vma.vm_flags & (VM_READ | VM_WRITE) == VM_READ:
        return 0
    return vma_is_accessible(st, mm, vpn)


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
        if numa_scans_vma(st, mm, vpn):
            yield from change_prot_numa(st, t, mm, vpn, next_vpn)
        vpn = next_vpn
    check_revoked(st, t)
    mmap_read_unlock(st, mm)
    return 0
