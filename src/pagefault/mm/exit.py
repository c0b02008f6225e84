"""exit() and wait(). Models kernel/exit.c and mm/mmap.c exit_mmap()."""

from pagefault.consts import ECHILD, TASK_DEAD, TASK_NEW, TASK_RUNNING, WAITING
from pagefault.mm.mmap import remove_vmas, unmap_region
from pagefault.mm.mmap_lock import mmap_write_lock, mmap_write_unlock
from pagefault.mm.mmu_notifier import mmu_notifier_release
from pagefault.mm.secretmem import fput_files


def exit_mmap(st, t, mm):
    """mm/mmap.c exit_mmap(), v6.12. Locks: takes mmap_lock for writing.

    Left out: that the zap takes it for reading only. Nobody is left to tell: GUP from afar holds
    mm_users.
    """
    yield from mmu_notifier_release(st, t, mm)
    yield from mmap_write_lock(st, t, mm)
    remove_vmas(st, mm, 0, st.nr_vpns)
    yield from unmap_region(st, t, mm, 0, st.nr_vpns)
    mmap_write_unlock(st, mm)
    yield from fput_files(st, t)


def mmget_not_zero(st, mm):
    """include/linux/sched/mm.h mmget_not_zero(), v6.12: 0 if the address space is torn down."""
    if st.mm[mm].mm_users == 0:
        return 0
    st.mm[mm].mm_users += 1
    return 1


def get_task_mm(st, task):
    """kernel/fork.c get_task_mm(), v6.12: 1 if the task has an address space, which is then held.
    Who exits gives up task->mm before the last reference goes (kernel/exit.c exit_mm())."""
    if st.task[task].state != TASK_RUNNING:
        return 0
    return mmget_not_zero(st, st.task[task].mm)


def mmput(st, t, mm):
    """kernel/fork.c mmput(), v6.12: the last user of an address space takes it down.

    A CPU may keep it loaded, empty as it is, until it runs a task of another one.
    """
    st.mm[mm].mm_users -= 1
    if st.mm[mm].mm_users == 0:
        yield from exit_mmap(st, t, mm)


def sys_exit(st, t):
    """kernel/exit.c do_exit(), v6.12: of this task alone. Where threads live on, so does their
    address space, and a process that ended before them is a zombie that nobody may reap."""
    yield from mmput(st, t, st.task[t].mm)
    st.task[t].state = TASK_DEAD
    return 0


def delay_group_leader(st, child):
    """include/linux/sched/signal.h delay_group_leader(), v6.12, of a process that has exited:
    whether threads of it live on. A thread that exits is gone at once, nobody waits for it."""
    for task in range(st.nr_tasks):
        if st.task[task].mm == st.task[child].mm and st.task[task].state == TASK_RUNNING:
            return 1
    return 0


def sys_wait(st, t, child):
    """kernel/exit.c wait_consider_task(), v6.12: until the child and all of its threads are dead.
    -ECHILD if there is none. The child stays a zombie (WNOWAIT)."""
    if st.task[child].state == TASK_NEW:
        return -ECHILD
    yield "wait for the child"
    while st.task[child].state != TASK_DEAD or delay_group_leader(st, child):
        yield WAITING
    return 0
