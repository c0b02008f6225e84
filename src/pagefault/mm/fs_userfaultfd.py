"""userfaultfd: who registers memory, and who waits for an answer. Models fs/userfaultfd.c.

A task that touches what another one is to supply or to release waits until that happens: no lock is
held meanwhile, and it is no deadlock. Left out: the messages that are read from the descriptor,
several descriptors for one address space, UFFDIO_UNREGISTER, events, asynchronous mode, and of
files all modes but minor.
"""

from pagefault.consts import (
    EINVAL,
    FAULT_FLAG_ALLOW_RETRY,
    FILE_SHMEM,
    NR_VPN,
    VM_DROPPABLE,
    VM_FAULT_RETRY,
    VM_FAULT_SIGBUS,
    VM_MAPPED,
    VM_UFFD_MINOR,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    WAITING,
)
from pagefault.hw.monitor import note_uffd_wp
from pagefault.hw.pgtable import pte_none, pte_present, pte_uffd_wp, pte_write, ptep_get
from pagefault.mm.mmap_lock import (
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
)
from pagefault.mm.vma import vma_end, vma_merge

VM_UFFD_FLAGS = VM_UFFD_MISSING | VM_UFFD_WP | VM_UFFD_MINOR


def userfaultfd_missing(st, mm, vpn):
    """include/linux/userfaultfd_k.h userfaultfd_missing(), v6.12."""
    return st.mm[mm].vma[vpn].vm_flags & VM_UFFD_MISSING


def userfaultfd_minor(st, mm, vpn):
    """include/linux/userfaultfd_k.h userfaultfd_minor(), v6.12."""
    return st.mm[mm].vma[vpn].vm_flags & VM_UFFD_MINOR


def userfaultfd_armed(st, mm, vpn):
    """include/linux/userfaultfd_k.h userfaultfd_armed(), v6.12: in whichever mode."""
    return st.mm[mm].vma[vpn].vm_flags & VM_UFFD_FLAGS


def userfaultfd_takes_droppable():
    """include/linux/userfaultfd_k.h vma_can_userfault(), v6.12: it looks for VM_DROPPABLE, but in
    the modes that are asked for, where it never is. Since 6.17 in the VMA."""
    return 1


def vma_can_userfault(st, mm, vpn, mode):
    """include/linux/userfaultfd_k.h vma_can_userfault(), v6.12: which memory has which mode."""
    if st.mm[mm].vma[vpn].vm_flags & VM_DROPPABLE and not userfaultfd_takes_droppable():
        return 0
    file = st.mm[mm].vma[vpn].vm_file - 1
    if file < 0:
        return mode != VM_UFFD_MINOR
    return st.file[file].kind == FILE_SHMEM


def userfaultfd_wp(st, mm, vpn):
    """include/linux/userfaultfd_k.h userfaultfd_wp(), v6.12."""
    return st.mm[mm].vma[vpn].vm_flags & VM_UFFD_WP


def userfaultfd_pte_wp(st, mm, vpn, pte):
    """include/linux/userfaultfd_k.h userfaultfd_pte_wp(), v6.12: a write has to wait."""
    return userfaultfd_wp(st, mm, vpn) and pte_uffd_wp(pte)


def userfaultfd_must_wait(st, mm, vpn, reason):
    """fs/userfaultfd.c userfaultfd_must_wait(), v6.12: nobody has answered by now."""
    pte = ptep_get(st, mm, vpn)
    return pte_none(pte) or (reason == VM_UFFD_WP and pte_present(pte) and not pte_write(pte))


def handle_userfault(st, t, mm, vpn, fault_flags, reason):
    """fs/userfaultfd.c handle_userfault(), v6.12: give mmap_lock back and wait to be woken.

    Who cannot give it back gets VM_FAULT_SIGBUS instead: HMM, the IOMMU, /proc/PID/mem.
    Locks: mmap_lock held for reading on entry, released on return: VM_FAULT_RETRY says so.
    """
    if not fault_flags & FAULT_FLAG_ALLOW_RETRY:
        return VM_FAULT_SIGBUS
    st.task[t].userfault = mm * NR_VPN + vpn + 1
    must_wait = userfaultfd_must_wait(st, mm, vpn, reason)
    mmap_read_unlock(st, mm)
    if must_wait:
        yield "waits for an answer by userfaultfd"
        while st.task[t].userfault:
            yield WAITING
    st.task[t].userfault = 0
    return VM_FAULT_RETRY


def wake_userfault(st, mm, start, end):
    """fs/userfaultfd.c wake_userfault(), v6.12: who waits for one of vpns [start, end) goes on."""
    for task in range(st.nr_tasks):
        if mm * NR_VPN + start < st.task[task].userfault <= mm * NR_VPN + end:
            st.task[task].userfault = 0


def dup_userfaultfd(vm_flags):
    """fs/userfaultfd.c dup_userfaultfd(), v6.12, without UFFD_FEATURE_EVENT_FORK, and so
    mremap_userfaultfd_prep(): what is copied or moved is not registered."""
    return vm_flags & ~VM_UFFD_FLAGS


def sys_uffd_register(st, t, start, end, mode):
    """fs/userfaultfd.c userfaultfd_register(), v6.12: 0, or -EINVAL where nothing is mapped, or
    memory that cannot be registered so."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    ret = -EINVAL
    vpn = start
    for i in range(start, end):
        if not vma_can_userfault(st, mm, i, mode):
            vpn = end
    while vpn < end:
        next_vpn = max(vma_end(st, mm, vpn, end), vpn + 1)
        if st.mm[mm].vma[vpn].vm_flags & VM_MAPPED:
            userfaultfd_register_vma(st, mm, vpn, next_vpn, mode)
            ret = 0
        vpn = next_vpn
    mmap_write_unlock(st, mm)
    return ret


def userfaultfd_register_vma(st, mm, start, end, mode):
    """One VMA of userfaultfd_register(), v6.12. Its old mode ends, and so what that tracked."""
    if st.mm[mm].vma[start].vm_flags & VM_UFFD_FLAGS == mode:
        return
    for vpn in range(start, end):
        st.mm[mm].vma[vpn].vm_flags = st.mm[mm].vma[vpn].vm_flags & ~VM_UFFD_FLAGS | mode
        note_uffd_wp(st, mm, vpn, 0)
    vma_merge(st, mm, start, end)
