"""Loads and stores of user programs, and the faults that they take. Models arch/x86/mm/fault.c."""

from pagefault.consts import (
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_WRITE,
    SIG_BASE,
    SIGBUS,
    SIGKILL,
    SIGSEGV,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
    VM_FAULT_SIGBUS,
    VM_MAPPED,
    VM_READ,
    VM_WRITE,
)
from pagefault.hw.cpu import cpu_load, cpu_store, lacks_the_key, translate
from pagefault.hw.monitor import expect_write
from pagefault.mm.memcontrol import mem_cgroup_oom_synchronize
from pagefault.mm.memory import handle_mm_fault
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.signal import fatal_signal_pending


def user_load(st, t, vpn, cell):
    """A load: the value, or -(SIG_BASE + signal) if a signal ends it."""
    while True:
        pte = translate(st, t, vpn, 0)
        if pte != 0:
            return cpu_load(st, t, vpn, pte, cell)
        signal = yield from do_user_addr_fault(st, t, vpn, 0)
        if signal:
            return -(SIG_BASE + signal)
        yield "load again"


def user_store(st, t, vpn, cell, value):
    """A store: 0, or -(SIG_BASE + signal) if a signal ends it."""
    while True:
        pte = translate(st, t, vpn, 1)
        if pte != 0:
            cpu_store(st, t, vpn, pte, cell, value)
            return 0
        signal = yield from do_user_addr_fault(st, t, vpn, 1)
        if signal:
            return -(SIG_BASE + signal)
        yield "store again"


def access_error(st, mm, vpn, write):
    """arch/x86/mm/fault.c access_error(), v6.12, and no VMA at all."""
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    if not vm_flags & VM_MAPPED:
        return 1
    if write:
        return not vm_flags & VM_WRITE
    return not vm_flags & VM_READ


def lock_mm_and_find_vma(st, t, mm, vpn):
    """mm/memory.c lock_mm_and_find_vma(), v6.12. Left out: the attempt under the VMA lock, which
    goes before this; whoever writes to mmap_lock holds up both."""
    yield from mmap_read_lock(st, t, mm)


def unlock_after_fault(st, t, mm, vpn):
    mmap_read_unlock(st, mm)


def do_user_addr_fault(st, t, vpn, write):
    """arch/x86/mm/fault.c do_user_addr_fault(), v6.12: 0 to try again, or the signal."""
    mm = st.task[t].mm
    yield from lock_mm_and_find_vma(st, t, mm, vpn)
    if access_error(st, mm, vpn, write) or lacks_the_key(st, t, vpn):
        unlock_after_fault(st, t, mm, vpn)
        st.task[t].signal = SIGSEGV
        return SIGSEGV
    fault_flags = FAULT_FLAG_ALLOW_RETRY
    if write:
        fault_flags |= FAULT_FLAG_WRITE
        expect_write(st, mm, vpn)
    ret = yield from handle_mm_fault(st, t, mm, vpn, fault_flags)
    if not ret & VM_FAULT_RETRY:
        unlock_after_fault(st, t, mm, vpn)
    if ret & VM_FAULT_OOM:
        yield from mem_cgroup_oom_synchronize(st, t)
    if ret & VM_FAULT_SIGBUS:
        st.task[t].signal = SIGBUS
        return SIGBUS
    if fatal_signal_pending(st, t):
        return SIGKILL
    return 0
