"""/proc/PID/mem: one process reads and writes another's memory, whatever its protection. Models
fs/proc/base.c, what ptrace() reads in kernel/ptrace.c, and access_remote_vm() in mm/memory.c.

A fault cannot give mmap_lock back, so it does not wait for an answer by
userfaultfd: -EIO. Left out: kernels that are told not to force, the folio lock under which a
page of a file is marked dirty.
"""

from pagefault.consts import (
    EIO,
    EPERM,
    ESRCH,
    FOLL_FORCE,
    FOLL_GET,
    FOLL_REMOTE,
    FOLL_WRITE,
    TASK_NEW,
)
from pagefault.hw.direct_map import kernel_reaches, kernel_read
from pagefault.hw.monitor import (
    note_secret,
    observe_file_written,
    owe_where_mapped,
    write_cell,
)
from pagefault.mm.exit import get_task_mm, mmput
from pagefault.mm.gup import __get_user_pages, gup_put_folio
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.page_alloc import folio_mark_dirty, folio_test_swapbacked

FORCED = FOLL_GET | FOLL_REMOTE | FOLL_FORCE


def sys_proc_mem_read(st, t, task, vpn, cell):
    """fs/proc/base.c mem_rw(), v6.12: the value, -EIO where nothing is mapped, or -ESRCH. The
    reader is allowed to see what it reads: it passed the ptrace check."""
    if not get_task_mm(st, task):
        return -ESRCH
    return (yield from access_remote_vm(st, t, st.task[task].mm, vpn, cell))


def sys_ptrace_peek(st, t, task, vpn, cell):
    """kernel/ptrace.c generic_ptrace_peekdata(), v6.12, of a process that is stopped for it
    (ptrace_attach()): the value, -EIO where nothing is mapped, -ESRCH, or -EPERM for the tracer's
    own process and for one that has exited."""
    if st.task[task].state == TASK_NEW:
        return -ESRCH
    if st.task[task].mm == st.task[t].mm or not get_task_mm(st, task):
        return -EPERM
    return (yield from access_remote_vm(st, t, st.task[task].mm, vpn, cell))


def access_remote_vm(st, t, mm, vpn, cell):
    """mm/memory.c access_remote_vm(), v6.12, to read: the value or -EIO. Who calls holds the
    address space, and holds it no more."""
    yield from mmap_read_lock(st, t, mm)
    pfn = yield from __get_user_pages(st, t, mm, vpn, FORCED)
    ret = -EIO
    if pfn >= 0:
        yield "page held, not read yet"
        ret = kernel_read(st, pfn, cell)
        gup_put_folio(st, pfn, FORCED)
    mmap_read_unlock(st, mm)
    yield from mmput(st, t, mm)
    return ret


def remote_write_makes_dirty(st, mm, vpn, pfn):
    """mm/memory.c __access_remote_vm(), v6.12: set_page_dirty_lock(). Left out: of what is
    swap-backed nobody can tell, as GUP has seen to it that the PTE or the folio is dirty."""
    return st.folio[pfn].mapping or not folio_test_swapbacked(st, pfn)


def sys_proc_mem_write(st, t, task, vpn, cell, value):
    """fs/proc/base.c mem_rw(), v6.12: 0, -EIO where nothing is mapped, or -ESRCH."""
    if not get_task_mm(st, task):
        return -ESRCH
    mm = st.task[task].mm
    yield from mmap_read_lock(st, t, mm)
    pfn = yield from __get_user_pages(st, t, mm, vpn, FORCED | FOLL_WRITE)
    ret = -EIO
    if pfn >= 0:
        yield "page held, not written yet"
        kernel_reaches(st, pfn)
        write_cell(st, mm, pfn, cell, value)
        note_secret(st, mm, vpn, pfn, cell)
        observe_file_written(st, mm, vpn, pfn)
        owe_where_mapped(st, mm, pfn, cell, value)
        if remote_write_makes_dirty(st, mm, vpn, pfn):
            folio_mark_dirty(st, pfn)
        gup_put_folio(st, pfn, FORCED | FOLL_WRITE)
        ret = 0
    mmap_read_unlock(st, mm)
    yield from mmput(st, t, mm)
    return ret
