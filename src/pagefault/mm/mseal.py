"""Mappings that nobody changes any more. Models mm/mseal.c, and mm/vma.h of v6.12."""

from pagefault.consts import (
    ENOMEM,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_FREE,
    MADV_WIPEONFORK,
    VM_MAPPED,
    VM_SEALED,
    VM_SHARED,
    VM_WRITE,
)
from pagefault.mm.mmap_lock import mmap_write_lock, mmap_write_unlock
from pagefault.mm.vma import vma_end, vma_merge


def can_modify_vma(st, mm, vpn):
    """mm/vma.h can_modify_vma(), v6.12."""
    return not st.mm[mm].vma[vpn].vm_flags & VM_SEALED


def can_modify_mm(st, mm, start, end):
    """mm/vma.c vms_gather_munmap_vmas(), v6.12: nothing is unmapped where some of it is sealed."""
    for vpn in range(start, end):
        if not can_modify_vma(st, mm, vpn):
            return 0
    return 1


def is_madv_discard(advice):
    """mm/mseal.c is_madv_discard(), v6.12: what changes contents. MADV_PAGEOUT, which discards what
    is droppable, is not on the list."""
    return advice in (MADV_DONTNEED, MADV_FREE, MADV_DONTFORK, MADV_WIPEONFORK)


def is_ro_anon(st, mm, vpn):
    """mm/mseal.c is_ro_anon(), v6.12. Left out: protection keys."""
    vma = st.mm[mm].vma[vpn]
    return not vma.vm_file and not vma.vm_flags & (VM_SHARED | VM_WRITE)


def can_modify_vma_madv(st, mm, vpn, advice):
    """mm/mseal.c can_modify_vma_madv(), v6.12: who may write may discard."""
    if not is_madv_discard(advice) or can_modify_vma(st, mm, vpn):
        return 1
    return not is_ro_anon(st, mm, vpn)


def sys_mseal(st, t, start, end):
    """mm/mseal.c do_mseal(), v6.12: 0, or -ENOMEM and nothing is sealed where there is a hole."""
    mm = st.task[t].mm
    yield from mmap_write_lock(st, t, mm)
    ret = 0
    for vpn in range(start, end):
        if not st.mm[mm].vma[vpn].vm_flags & VM_MAPPED:
            ret = -ENOMEM
    if ret == 0:
        seal_vmas(st, mm, start, end)
    mmap_write_unlock(st, mm)
    return ret


def seal_vmas(st, mm, start, end):
    """mm/mseal.c apply_mm_seal(), v6.12, VMA by VMA. Left out: what of a huge page is split."""
    vpn = start
    while vpn < end:
        next_vpn = vma_end(st, mm, vpn, end)
        if can_modify_vma(st, mm, vpn):
            for i in range(vpn, next_vpn):
                st.mm[mm].vma[i].vm_flags |= VM_SEALED
            vma_merge(st, mm, vpn, next_vpn)
        vpn = next_vpn
