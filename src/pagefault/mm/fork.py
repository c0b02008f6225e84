"""fork(), clone() of a thread, and the start of the machine. Models kernel/fork.c."""

from pagefault.consts import (
    BLOCKED,
    DUP_MMAP_SEM,
    EINVAL,
    MMF_HAS_UPROBES,
    NR_CPUS,
    NR_FILES,
    NR_MM,
    NR_PFN,
    NR_PINS,
    NR_PIPES,
    NR_PTPAGE,
    NR_TASKS,
    NR_VPN,
    TASK_NEW,
    TASK_RUNNING,
    VM_DONTCOPY,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_MAPPED,
    VM_WIPEONFORK,
)
from pagefault.hw.monitor import check_revoked, share_audience
from pagefault.hw.tlb import flush_tlb_mm
from pagefault.mm.copy_range import copy_page_range
from pagefault.mm.driver import boot_drivers, copy_driver_vma
from pagefault.mm.fs_userfaultfd import dup_userfaultfd
from pagefault.mm.i_mmap import (
    i_mmap_lock_write,
    i_mmap_unlock_write,
    linear_page_index,
    vma_link_file,
)
from pagefault.mm.mmap_lock import mmap_write_lock, mmap_write_unlock
from pagefault.mm.page_alloc import forget_contents
from pagefault.mm.vma import anon_vma_fork, set_vma, vma_start


def boot_kernel(st):
    """Before the first program: all memory is zeros, the zero page included. A machine that nobody
    gave a size has all that fits."""
    if st.nr_pfns == 0:
        st.nr_tasks = NR_TASKS
        st.nr_cpus = NR_CPUS
        st.nr_mms = NR_MM
        st.nr_vpns = NR_VPN
        st.nr_ptpages = NR_PTPAGE
        st.nr_pfns = NR_PFN
        st.nr_pins = NR_PINS
        st.nr_pipes = NR_PIPES
        st.nr_files = NR_FILES
    for pfn in range(st.nr_pfns):
        forget_contents(st, pfn)
    boot_drivers(st)


def boot_mm(st, mm):
    """The empty address space of a process that is there from the start."""
    st.mm[mm].mm_users = 1


def dup_vma(st, mm, child_mm, vpn):
    """The child's VMA; whether its pages are to be copied."""
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    if not vm_flags & VM_MAPPED or vm_flags & VM_DONTCOPY:
        return 0
    vm_flags = dup_userfaultfd(vm_flags) & ~(VM_LOCKED | VM_LOCKONFAULT)
    if vm_flags & VM_WIPEONFORK:
        set_vma(st, child_mm, vpn, vm_flags, 0)
        return 0
    set_vma(st, child_mm, vpn, vm_flags, anon_vma_fork(st, mm, vpn))
    st.mm[child_mm].vma[vpn].vm_pgoff = st.mm[mm].vma[vpn].vm_pgoff
    return 1


def dup_file_vma(st, t, mm, child_mm, vpn):
    """kernel/fork.c dup_mmap(), v6.12: the file learns of the child's VMA."""
    file = st.mm[mm].vma[vpn].vm_file - 1
    yield from i_mmap_lock_write(st, t, file)
    vma_link_file(st, child_mm, vpn, file, linear_page_index(st, mm, vpn))
    copy_driver_vma(st, mm, vpn, child_mm, vpn, vma_start(st, mm, vpn))
    i_mmap_unlock_write(st, file)


def dup_mmap_lock(st, t, mm):
    """kernel/fork.c dup_mmap(), v6.12: mmap_lock for writing, so that nobody faults."""
    yield from mmap_write_lock(st, t, mm)


def fork_locks_vma(st, mm, vpn):
    """kernel/fork.c dup_mmap(), v6.12: each VMA in turn, before it is copied (since 6.5 and 6.4.3,
    commit fb49c455323f)."""
    return st.mm[mm].vma[vpn].vm_flags & VM_MAPPED and vma_start(st, mm, vpn) == vpn


def dup_vma_lock(st, t, mm, vpn):
    """include/linux/mm.h vma_start_write(), v6.12. Faults take no VMA lock here, so that nobody is
    waited for; see the part faults-under-vma-locks."""
    while st.mm[mm].vma[vpn].vm_lock:
        yield BLOCKED


def dup_mmap_unlock(st, mm):
    mmap_write_unlock(st, mm)


def dup_mmap(st, t, mm, child_mm):
    """kernel/fork.c dup_mmap(), v6.12. Locks: takes the parent's mmap_lock for writing.

    The parent's PTEs are write-protected one by one; one flush at the end makes it so on all CPUs.
    The child's mmap_lock is nobody else's yet.
    """
    yield from dup_mmap_lock(st, t, mm)
    st.mm[child_mm].mm_flags |= st.mm[mm].mm_flags & MMF_HAS_UPROBES  # uprobe_dup_mmap()
    for vpn in range(st.nr_vpns):
        if fork_locks_vma(st, mm, vpn):
            yield from dup_vma_lock(st, t, mm, vpn)
        if dup_vma(st, mm, child_mm, vpn):
            if st.mm[mm].vma[vpn].vm_file:
                yield from dup_file_vma(st, t, mm, child_mm, vpn)
            yield from copy_page_range(st, t, mm, child_mm, vpn)
    yield "PTEs write-protected, TLBs not flushed"
    yield from flush_tlb_mm(st, t, mm)
    check_revoked(st, t)
    share_audience(st, mm, child_mm)
    dup_mmap_unlock(st, mm)


def sys_fork(st, t, child):
    """kernel/fork.c kernel_clone(), v6.12, of a process: 0, or -EINVAL if it was forked before."""
    while st.private[DUP_MMAP_SEM]:
        yield BLOCKED  # uprobe_start_dup_mmap()
    if st.task[child].state != TASK_NEW:
        return -EINVAL
    st.mm[st.task[child].mm].mm_users = 1
    st.mm[st.task[child].mm].rlimit_memlock = st.mm[st.task[t].mm].rlimit_memlock
    yield from dup_mmap(st, t, st.task[t].mm, st.task[child].mm)
    st.task[child].state = TASK_RUNNING
    return 0


def sys_clone(st, t, child):
    """kernel/fork.c kernel_clone(), v6.12, with CLONE_VM: a thread of the caller's mm."""
    if st.task[child].state != TASK_NEW:
        return -EINVAL
    st.mm[st.task[t].mm].mm_users += 1
    st.task[child].state = TASK_RUNNING
    return 0
