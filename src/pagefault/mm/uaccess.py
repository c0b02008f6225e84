"""The kernel reads and writes user memory by the user's own addresses. Models lib/usercopy.c.

A parser checks what it has read and then uses it. If it reads a second time to use it, the user may
have stored in between (a double fetch): so it works on a private copy.
"""

from pagefault.consts import (
    EFAULT,
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_WRITE,
    PROP_STABLE,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
    VM_FAULT_SIGBUS,
)
from pagefault.hw.cpu import cpu_load, cpu_store, lacks_the_key, translate
from pagefault.hw.monitor import break_promise, expect_write
from pagefault.mm.fault import access_error
from pagefault.mm.memory import handle_mm_fault
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock


def fault_in_for_kernel(st, t, vpn, write):
    """arch/x86/mm/fault.c do_user_addr_fault(), v6.12, of an access of the kernel's: 0 to try
    again, or -EFAULT and no signal (the exception table). It never tries the VMA lock, nor looks
    for signals: they are for the return to user space."""
    mm = st.task[t].mm
    yield from mmap_read_lock(st, t, mm)
    if access_error(st, mm, vpn, write) or lacks_the_key(st, t, vpn):
        mmap_read_unlock(st, mm)
        return -EFAULT
    fault_flags = FAULT_FLAG_ALLOW_RETRY
    if write:
        fault_flags |= FAULT_FLAG_WRITE
        expect_write(st, mm, vpn)
    ret = yield from handle_mm_fault(st, t, mm, vpn, fault_flags)
    if not ret & VM_FAULT_RETRY:
        mmap_read_unlock(st, mm)
    if ret & (VM_FAULT_SIGBUS | VM_FAULT_OOM):
        return -EFAULT
    return 0


def copy_from_user(st, t, vpn, cell):
    """lib/usercopy.c _copy_from_user(), v6.12, of one cell: the value, or -EFAULT."""
    while True:
        pte = translate(st, t, vpn, 0)
        if pte != 0:
            return cpu_load(st, t, vpn, pte, cell)
        ret = yield from fault_in_for_kernel(st, t, vpn, 0)
        if ret < 0:
            return ret
        yield "copy again"


def sys_copy_to_user(st, t, vpn, cell, value):
    """lib/usercopy.c _copy_to_user(), v6.12, of one cell, by read(2): 0 or -EFAULT."""
    while True:
        pte = translate(st, t, vpn, 1)
        if pte != 0:
            cpu_store(st, t, vpn, pte, cell, value)
            return 0
        ret = yield from fault_in_for_kernel(st, t, vpn, 1)
        if ret < 0:
            return ret
        yield "copy again"


def parses_in_place(st):
    """Whether a parser uses the user's memory itself, and no copy. Not where Linux takes care."""
    return 0


def sys_parse(st, t, vpn, cell):
    """A system call that reads a header: what it uses in the end, or -EFAULT. What it checked and
    what it uses must be the same."""
    checked = yield from copy_from_user(st, t, vpn, cell)
    if checked < 0:
        return checked
    yield "checked, not used"
    used = checked
    if parses_in_place(st):
        used = yield from copy_from_user(st, t, vpn, cell)
    if used != checked:
        break_promise(st, PROP_STABLE)
    return used
