"""Memory that stays where it is, and how much of it. Models mm/mlock.c, and setrlimit() of
kernel/sys.c. Left out: mlock(); the unevictable list."""

from pagefault.consts import ENOMEM, VM_LOCKED
from pagefault.mm.mmap import range_is_mapped
from pagefault.mm.mmap_lock import mmap_write_lock, mmap_write_unlock
from pagefault.mm.secretmem import vma_is_secretmem
from pagefault.mm.vma import vma_merge


def sys_memlock(st, t, nr_pages):
    """kernel/sys.c do_prlimit(), v6.12, RLIMIT_MEMLOCK of the caller, who has not CAP_IPC_LOCK."""
    st.mm[st.task[t].mm].rlimit_memlock = nr_pages + 1
    return 0


def keeps_locked(st, mm, vpn):
    """mm/mlock.c mlock_fixup(), v6.12: memfd_secret()'s memory is never unlocked."""
    return vma_is_secretmem(st, mm, vpn)


def sys_munlock(st, t, start, end):
    """mm/mlock.c apply_vma_lock_flags(), v6.12: 0, or -ENOMEM where nothing is mapped."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    for vpn in range(start, end):
        if not keeps_locked(st, mm, vpn):
            st.mm[mm].vma[vpn].vm_flags &= ~VM_LOCKED
    mapped = range_is_mapped(st, mm, start, end)
    if mapped == end - start:
        vma_merge(st, mm, start, end)
    mmap_write_unlock(st, mm)
    if mapped != end - start:
        return -ENOMEM
    return 0
