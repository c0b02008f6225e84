"""Faults take a per-VMA lock where they can, and fork locks no VMA: 6.4.0 to 6.4.2.

Faults of anonymous memory without mmap_lock came with 6.4. Whoever takes mmap_lock for writing
also locks the VMAs that it changes (vma_start_write(); here: all of the address space), but fork
did so only since fb49c455323f (6.5 and 6.4.3) by Suren Baghdasaryan. mm.private[0] says that fork
has mmap_lock, task.private[0] that a fault has a VMA lock.
"""

from pagefault.consts import BLOCKED, MMAP_LOCK_WRITER, VM_MAPPED, VM_UFFD_MISSING, VM_UFFD_WP
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock, mmap_write_unlock


def lock_mm_and_find_vma(st, t, mm, vpn):
    yield "VMA lock"
    if _vma_start_read(st, mm, vpn):
        st.mm[mm].vma[vpn].vm_lock += 1
        st.task[t].private[0] = 1
    else:
        yield from mmap_read_lock(st, t, mm)


def _vma_start_read(st, mm, vpn):
    """lock_vma_under_rcu(): the VMA is there, of no file, and has its anon_vma, no writer has
    locked it, and it is not registered with userfaultfd."""
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    if not vm_flags & VM_MAPPED or not st.mm[mm].vma[vpn].anon_vma:
        return 0
    if st.mm[mm].vma[vpn].vm_file:
        return 0
    if vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP):
        return 0
    return st.mm[mm].mmap_lock != MMAP_LOCK_WRITER or st.mm[mm].private[0]


def unlock_after_fault(st, t, mm, vpn):
    if st.task[t].private[0]:
        st.task[t].private[0] = 0
        st.mm[mm].vma[vpn].vm_lock -= 1
    else:
        mmap_read_unlock(st, mm)


def mmap_write_lock(st, t, mm):
    yield "mmap_lock for writing"
    while st.mm[mm].mmap_lock != 0 or _vmas_are_read_locked(st, mm):
        yield BLOCKED
    st.mm[mm].mmap_lock = MMAP_LOCK_WRITER


def _vmas_are_read_locked(st, mm):
    for vpn in range(st.nr_vpns):
        if st.mm[mm].vma[vpn].vm_lock:
            return 1
    return 0


def dup_mmap_lock(st, t, mm):
    yield "mmap_lock for writing"
    while st.mm[mm].mmap_lock != 0:
        yield BLOCKED
    st.mm[mm].mmap_lock = MMAP_LOCK_WRITER
    st.mm[mm].private[0] = 1


def dup_mmap_unlock(st, mm):
    st.mm[mm].private[0] = 0
    mmap_write_unlock(st, mm)
