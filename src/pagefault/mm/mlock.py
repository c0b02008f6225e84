"""Memory that stays where it is, and how much of it. Models mm/mlock.c, and setrlimit() of
kernel/sys.c. Left out: the unevictable list; locked pages go by the VMAs that map them.
"""

from pagefault.consts import (
    EAGAIN,
    EFAULT,
    EINVAL,
    ENOMEM,
    EPERM,
    MCL_CURRENT,
    MCL_FUTURE,
    MCL_ONFAULT,
    MMF_LOCK_FUTURE,
    MMF_LOCK_FUTURE_ONFAULT,
    VM_LOCKED,
    VM_LOCKONFAULT,
)
from pagefault.mm.gup import __mm_populate, mm_populate
from pagefault.mm.huge_memory import vma_adjust_trans_huge
from pagefault.mm.internal import can_do_mlock, vma_supports_mlock
from pagefault.mm.mmap_lock import mmap_write_lock, mmap_write_unlock
from pagefault.mm.secretmem import locked_vm, vma_is_secretmem
from pagefault.mm.vma import vma_end, vma_merge

VM_LOCKED_MASK = VM_LOCKED | VM_LOCKONFAULT


def sys_memlock(st, t, nr_pages):
    """kernel/sys.c do_prlimit(), v6.12, RLIMIT_MEMLOCK of the caller, who has not CAP_IPC_LOCK."""
    st.mm[st.task[t].mm].rlimit_memlock = nr_pages + 1
    return 0


def keeps_locked(st, mm, vpn):
    """mm/mlock.c mlock_fixup(), v6.12: memfd_secret()'s memory is never unlocked."""
    return vma_is_secretmem(st, mm, vpn)


def mlock_fixup(st, t, mm, start, end, flags):
    """mm/mlock.c mlock_fixup(), v6.12, of one VMA: nothing becomes of what is locked so already, or
    is never locked. (The latter is made present all the same.)"""
    vm_flags = st.mm[mm].vma[start].vm_flags
    if vm_flags & VM_LOCKED_MASK == flags or not vma_supports_mlock(st, mm, start):
        return
    if keeps_locked(st, mm, start):
        return
    yield from vma_adjust_trans_huge(st, t, mm, start, end)
    for vpn in range(start, end):
        st.mm[mm].vma[vpn].vm_flags &= ~VM_LOCKED_MASK
        st.mm[mm].vma[vpn].vm_flags |= flags
    vma_merge(st, mm, start, end)


def apply_vma_lock_flags(st, t, mm, start, end, flags):
    """mm/mlock.c apply_vma_lock_flags(), v6.12: VMA by VMA until a hole: 0 or -ENOMEM. Locks:
    mmap_lock held for writing."""
    vpn = start
    while vpn < end:
        next_vpn = vma_end(st, mm, vpn, end)
        if next_vpn == vpn:
            return -ENOMEM
        yield from mlock_fixup(st, t, mm, vpn, next_vpn, flags)
        vpn = next_vpn
    return 0


def exceeds_memlock(st, mm, start, end):
    """The question of do_mlock(), v6.12: more than the limit, what is locked already counted
    once."""
    limit = st.mm[mm].rlimit_memlock - 1
    locked = locked_vm(st, mm)
    for vpn in range(start, end):
        if not st.mm[mm].vma[vpn].vm_flags & VM_LOCKED:
            locked += 1
    return limit >= 0 and locked > limit


def lock_flags(flags):
    """mm/mlock.c mlock2(), v6.12, and mlockall()."""
    if flags & MCL_ONFAULT:
        return VM_LOCKED_MASK
    return VM_LOCKED


def sys_mlock(st, t, start, end, flags):
    """mm/mlock.c do_mlock(), v6.12: 0, -EPERM or -ENOMEM without leave, -ENOMEM where nothing is
    mapped or can be made present, -EAGAIN without memory."""
    mm = st.task[t].mm
    if not can_do_mlock(st, mm):
        return -EPERM
    yield from mmap_write_lock(st, t, mm)
    ret = -ENOMEM
    if not exceeds_memlock(st, mm, start, end):
        ret = yield from apply_vma_lock_flags(st, t, mm, start, end, lock_flags(flags))
    mmap_write_unlock(st, mm)
    if ret != 0:
        return ret
    ret = yield from __mm_populate(st, t, mm, start, end)
    if ret == -EFAULT:
        return -ENOMEM
    if ret == -ENOMEM:
        return -EAGAIN
    return ret


def sys_munlock(st, t, start, end):
    """mm/mlock.c munlock(), v6.12: 0, or -ENOMEM where nothing is mapped."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    ret = yield from apply_vma_lock_flags(st, t, mm, start, end, 0)
    mmap_write_unlock(st, mm)
    return ret


def apply_mlockall_flags(st, t, mm, flags):
    """mm/mlock.c apply_mlockall_flags(), v6.12: what will be mapped, and what is. mlockall() of the
    future alone leaves what is as it is. Locks: mmap_lock held for writing."""
    st.mm[mm].mm_flags &= ~(MMF_LOCK_FUTURE | MMF_LOCK_FUTURE_ONFAULT)
    if flags & MCL_FUTURE:
        st.mm[mm].mm_flags |= MMF_LOCK_FUTURE
        if flags & MCL_ONFAULT:
            st.mm[mm].mm_flags |= MMF_LOCK_FUTURE_ONFAULT
    if flags & (MCL_FUTURE | MCL_CURRENT) == MCL_FUTURE:
        return
    vm_flags = 0
    if flags & MCL_CURRENT:
        vm_flags = lock_flags(flags)
    vpn = 0
    while vpn < st.nr_vpns:
        next_vpn = vma_end(st, mm, vpn, st.nr_vpns)
        if next_vpn > vpn:
            yield from mlock_fixup(st, t, mm, vpn, next_vpn, vm_flags)
        vpn = max(next_vpn, vpn + 1)


def sys_mlockall(st, t, flags):
    """mm/mlock.c mlockall(), v6.12: 0, -EINVAL, -EPERM, or -ENOMEM with a limit: the program itself
    counts, too, and is more than any that can be set here."""
    mm = st.task[t].mm
    if not flags & (MCL_CURRENT | MCL_FUTURE):
        return -EINVAL
    if not can_do_mlock(st, mm):
        return -EPERM
    yield from mmap_write_lock(st, t, mm)
    if flags & MCL_CURRENT and st.mm[mm].rlimit_memlock:
        mmap_write_unlock(st, mm)
        return -ENOMEM
    yield from apply_mlockall_flags(st, t, mm, flags)
    mmap_write_unlock(st, mm)
    if flags & MCL_CURRENT:
        yield from mm_populate(st, t, mm, 0, st.nr_vpns)
    return 0


def sys_munlockall(st, t):
    """mm/mlock.c munlockall(), v6.12."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    yield from apply_mlockall_flags(st, t, mm, 0)
    mmap_write_unlock(st, mm)
    return 0
