"""Who else may come to look at a page: by a bug, by privilege, or as a service to somebody.

Each way is a few lines of some file of Linux that reads memory which it was not given. What a look
returns, the looker keeps; what it must not see is for the promises to say.
"""

from pagefault.consts import (
    EFAULT,
    EIO,
    EPERM,
    ESRCH,
    FILE_REGULAR,
    FILE_SHMEM,
    LOOK_BUILD_ID,
    LOOK_CORE_DUMP,
    LOOK_HIBERNATION,
    LOOK_INJECTED,
    LOOK_KDUMP,
    LOOK_UPROBE,
    TASK_RUNNING,
    VM_DONTDUMP,
)
from pagefault.hw.direct_map import bus_read, cpu_reaches, kernel_read
from pagefault.hw.monitor import observe_secret
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.filemap import filemap_get_folio
from pagefault.mm.gup import __get_user_pages, gup_put_folio
from pagefault.mm.i_mmap import linear_page_index
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.page_alloc import folio_put
from pagefault.mm.proc_mem import FORCED
from pagefault.mm.secretmem import folio_is_secretmem, secretmem_active


def sys_look(st, t, task, vpn, cell, way):
    """Look at a cell that the task has mapped: what it holds, or a negative errno."""
    if st.task[task].state != TASK_RUNNING:
        return -ESRCH
    mm = st.task[task].mm
    if way == LOOK_CORE_DUMP:
        return (yield from dump_user_range(st, t, mm, vpn, cell))
    if way == LOOK_BUILD_ID:
        return freader_fetch(st, mm, vpn, cell)
    if way == LOOK_UPROBE:
        return copy_insn(st, mm, vpn, cell)
    pte = ptep_get(st, mm, vpn)
    if not pte_present(pte):
        return -EFAULT
    if way == LOOK_HIBERNATION:
        return safe_copy_page(st, pte_pfn(pte), cell)
    if way == LOOK_KDUMP:
        return copy_oldmem_page(st, pte_pfn(pte), cell)
    if way == LOOK_INJECTED:
        return injected_write(st, pte_pfn(pte), cell)
    return copy_from_kernel_nofault(st, t, pte_pfn(pte), cell)


def copy_from_kernel_nofault(st, t, pfn, cell):
    """mm/maccess.c copy_from_kernel_nofault(), v6.12, of the direct map's address of the page, by
    this task's CPU: /proc/kcore, a BPF program, /dev/mem where nothing is strict; and what
    speculation, or a bug, would get."""
    if not cpu_reaches(st, t, pfn):
        return -EFAULT
    return bus_read(st, pfn, cell)


def injected_write(st, pfn, cell):
    """A tracer has the task itself execute write(2) of its memory to a pipe, and reads that: the
    copy is by the task's own mapping (lib/iov_iter.c copy_from_user_iter(), v6.12)."""
    observe_secret(st, pfn, cell)
    return st.page[pfn].cell[cell]


def safe_copy_page(st, pfn, cell):
    """kernel/power/snapshot.c safe_copy_page(), v6.12: what the image of hibernation has: all of
    memory, what is not in the direct map too, for it is mapped first. -EPERM while somebody has a
    file of memfd_secret() (kernel/power/hibernate.c hibernation_available())."""
    if hibernation_is_refused(st):
        return -EPERM
    return bus_read(st, pfn, cell)


def hibernation_is_refused(st):
    """kernel/power/hibernate.c hibernation_available(), v6.12."""
    return secretmem_active(st)


def copy_oldmem_page(st, pfn, cell):
    """arch/x86/kernel/crash_dump_64.c copy_oldmem_page(), v6.12: after a panic another kernel has
    all of this one's memory."""
    return bus_read(st, pfn, cell)


def dump_user_range(st, t, mm, vpn, cell):
    """fs/coredump.c dump_user_range(), v6.12: what the core of a process has of its page: 0 where
    GUP gets none (get_dump_page()), or the VMA is not to be dumped. Locks: takes mmap_lock."""
    if st.mm[mm].vma[vpn].vm_flags & VM_DONTDUMP:
        return 0
    yield from mmap_read_lock(st, t, mm)
    pfn = yield from __get_user_pages(st, t, mm, vpn, FORCED)
    ret = 0
    if pfn >= 0:
        ret = kernel_read(st, pfn, cell)
        gup_put_folio(st, pfn, FORCED)
    mmap_read_unlock(st, mm)
    return ret


def sys_dump(st, t, vpn, cell):
    """fs/coredump.c do_coredump(), v6.12, of this process: what its core has of a cell. Left out:
    what coredump_filter leaves out."""
    return (yield from dump_user_range(st, t, st.task[t].mm, vpn, cell))


def freader_fetch(st, mm, vpn, cell):
    """lib/buildid.c freader_get_folio(), v6.12: who looks for a build ID reads what the page cache
    of a mapped file has, not what memfd_secret() made (in 6.1.y since 6.1.132)."""
    file = st.mm[mm].vma[vpn].vm_file - 1
    if file < 0:
        return -EFAULT
    pfn = filemap_get_folio(st, file, linear_page_index(st, mm, vpn))
    if pfn < 0:
        return -EFAULT
    ret = -EFAULT
    if not build_id_refuses_secretmem(st, pfn):
        ret = kernel_read(st, pfn, cell)
    folio_put(st, pfn)
    return ret


def copy_insn(st, mm, vpn, cell):
    """kernel/events/uprobes.c copy_insn(), v6.12: what stands where a probe is to be, by the page
    cache. -EIO for a file whose pages nobody can read in (uprobe_register()), like that of
    memfd_secret(). Left out: that such a file cannot be named."""
    file = st.mm[mm].vma[vpn].vm_file - 1
    if file < 0:
        return -EFAULT
    if st.file[file].kind not in (FILE_REGULAR, FILE_SHMEM):
        return -EIO
    pfn = filemap_get_folio(st, file, linear_page_index(st, mm, vpn))
    if pfn < 0:
        return 0
    ret = kernel_read(st, pfn, cell)
    folio_put(st, pfn)
    return ret


def build_id_refuses_secretmem(st, pfn):
    """lib/buildid.c freader_get_folio(), v6.12: told by the file's operations."""
    return folio_is_secretmem(st, pfn)
