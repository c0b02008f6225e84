"""process_vm_readv() and process_vm_writev(). Models mm/process_vm_access.c.

They pin the other process' page (FOLL_PIN, slow path), copy through the kernel's own mapping and
unpin. The reader is allowed to see what it reads: it passed the ptrace check.
"""

from pagefault.consts import (
    EFAULT,
    ESRCH,
    FOLL_PIN,
    FOLL_REMOTE,
    FOLL_SLOW,
    FOLL_WRITE,
    PIN_FREE,
    PIN_HELD,
    PIN_TAKING,
)
from pagefault.hw.direct_map import kernel_reaches, kernel_read
from pagefault.hw.monitor import letting_go, observe_dangling, owe_by_reference, write_cell
from pagefault.mm.exit import get_task_mm, mmput
from pagefault.mm.gup import gup_fast_fallback, gup_put_folio
from pagefault.mm.page_alloc import folio_mark_dirty, folio_test_swapbacked

REMOTE = FOLL_PIN | FOLL_REMOTE | FOLL_SLOW


def process_vm_pin(st, t, task, vpn, gup_flags):
    """mm/process_vm_access.c process_vm_rw_single_vec(), v6.12: pin into the task's own slot.

    0, -ESRCH or -EFAULT. The address space is held (get_task_mm()) until process_vm_unpin().
    """
    if not get_task_mm(st, task):
        return -ESRCH
    st.task[t].pin.state = PIN_TAKING
    st.task[t].pin.mm = st.task[task].mm
    st.task[t].pin.vpn = vpn
    st.task[t].pin.unmapped = letting_go(st, st.task[t].pin.mm, vpn)
    pfn = yield from gup_fast_fallback(st, t, st.task[t].pin.mm, vpn, gup_flags)
    if pfn < 0:
        yield from mmput(st, t, take_process_vm_pin(st, t))
        return -EFAULT
    st.task[t].pin.state = PIN_HELD
    st.task[t].pin.pfn = pfn
    return 0


def take_process_vm_pin(st, t):
    """Empty the task's own pin slot; the mm that it named."""
    mm = st.task[t].pin.mm
    st.task[t].pin.state = PIN_FREE
    st.task[t].pin.mm = 0
    st.task[t].pin.vpn = 0
    st.task[t].pin.pfn = 0
    st.task[t].pin.unmapped = 0
    st.task[t].pin.dangling = 0
    return mm


def unpin_makes_dirty(st, pfn):
    """mm/gup.c unpin_user_pages_dirty_lock(), v6.12, which has no VMA to ask. Left out: of what is
    swap-backed nobody can tell, as GUP has seen to it that the PTE or the folio is dirty."""
    return st.folio[pfn].mapping or not folio_test_swapbacked(st, pfn)


def process_vm_unpin(st, t, gup_flags):
    """Drop the pin and the hold on the address space, which may be the last."""
    pfn = st.task[t].pin.pfn
    if gup_flags & FOLL_WRITE and unpin_makes_dirty(st, pfn):
        folio_mark_dirty(st, pfn)
    mm = take_process_vm_pin(st, t)
    gup_put_folio(st, pfn, gup_flags)
    yield from mmput(st, t, mm)


def sys_process_vm_readv(st, t, task, vpn, cell):
    """mm/process_vm_access.c process_vm_rw(), v6.12: the value, -EFAULT, or -ESRCH."""
    ret = yield from process_vm_pin(st, t, task, vpn, REMOTE)
    if ret < 0:
        return ret
    yield "page pinned, not copied yet"
    observe_dangling(st, st.task[t].pin.dangling)
    value = kernel_read(st, st.task[t].pin.pfn, cell)
    yield "copied, page still pinned"
    yield from process_vm_unpin(st, t, REMOTE)
    return value


def copy_to_pinned(st, t, cell, value):
    """The kernel writes through its own mapping; the target's next load must see it, unless the
    target gave the range up meanwhile."""
    observe_dangling(st, st.task[t].pin.dangling)
    mm = st.task[t].pin.mm
    pfn = st.task[t].pin.pfn
    kernel_reaches(st, pfn)
    write_cell(st, mm, pfn, cell, value)
    owe_by_reference(st, mm, st.task[t].pin.vpn, pfn, cell, value, st.task[t].pin.unmapped)


def sys_process_vm_writev(st, t, task, vpn, cell, value):
    """mm/process_vm_access.c process_vm_rw(), v6.12: 0, -EFAULT, or -ESRCH."""
    ret = yield from process_vm_pin(st, t, task, vpn, REMOTE | FOLL_WRITE)
    if ret < 0:
        return ret
    yield "page pinned, not copied yet"
    copy_to_pinned(st, t, cell, value)
    yield "copied, page still pinned"
    yield from process_vm_unpin(st, t, REMOTE | FOLL_WRITE)
    return 0
