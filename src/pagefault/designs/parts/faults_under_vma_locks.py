"""Faults take a per-VMA lock where they can, and mmap_lock where they cannot: 6.4 and later.

Series by Suren Baghdasaryan: vma_start_read() tries, and whoever changes a VMA under mmap_lock
waits until its readers are gone and keeps new ones out until he gives mmap_lock back
(vma_start_write(), vma_end_write_all()). fork() does so VMA by VMA, right before it copies one
(commit fb49c455323f), so that faults go on in those that it has not come to. Nothing that is
promised breaks. A page's vm_lock counts who reads its VMA there, or is -1; mm.private[0] says that
the writer of mmap_lock is fork, task.private[0] that a fault has a VMA lock.

Left out: that others who write lock only what they change (here: all of the address space); that
since 6.6 faults of files and of userfaultfd's memory come by a VMA lock, too, and since 6.8 those
that need an anon_vma; the tree of VMAs, so that none is found as it goes (StackRot).
"""

from pagefault.consts import BLOCKED, MMAP_LOCK_WRITER, VM_MAPPED, VM_UFFD_MISSING, VM_UFFD_WP
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock, mmap_write_unlock
from pagefault.mm.vma import vma_end


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
    if vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP) or st.mm[mm].vma[vpn].vm_lock < 0:
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
    while st.mm[mm].mmap_lock != 0 or _is_read_locked(st, mm, 0, st.nr_vpns):
        yield BLOCKED
    st.mm[mm].mmap_lock = MMAP_LOCK_WRITER


def _is_read_locked(st, mm, start, end):
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].vm_lock > 0:
            return 1
    return 0


def dup_mmap_lock(st, t, mm):
    yield "mmap_lock for writing"
    while st.mm[mm].mmap_lock != 0:
        yield BLOCKED
    st.mm[mm].mmap_lock = MMAP_LOCK_WRITER
    st.mm[mm].private[0] = 1


def dup_vma_lock(st, t, mm, vpn):
    yield "VMA lock for writing"
    while _is_read_locked(st, mm, vpn, vma_end(st, mm, vpn, st.nr_vpns)):
        yield BLOCKED
    for i in range(vpn, vma_end(st, mm, vpn, st.nr_vpns)):
        st.mm[mm].vma[i].vm_lock = -1


def dup_mmap_unlock(st, mm):
    st.mm[mm].private[0] = 0
    for vpn in range(st.nr_vpns):
        st.mm[mm].vma[vpn].vm_lock = max(st.mm[mm].vma[vpn].vm_lock, 0)
    mmap_write_unlock(st, mm)
