"""get_user_pages and pin_user_pages: kernel references to user pages. Models mm/gup.c.

GUP-fast walks the page tables with nothing but interrupts off and rechecks; the slow path takes
mmap_lock and the PTL and can fault. Each call here is for one page. Left out: migration of
pages that a long-term pin must not hold.
"""

from pagefault.consts import (
    EFAULT,
    EINTR,
    EMLINK,
    ENOENT,
    ENOMEM,
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_REMOTE,
    FAULT_FLAG_UNSHARE,
    FAULT_FLAG_WRITE,
    FILE_SHMEM,
    FOLL_FORCE,
    FOLL_HONOR_NUMA_FAULT,
    FOLL_LONGTERM,
    FOLL_PIN,
    FOLL_REMOTE,
    FOLL_SLOW,
    FOLL_UNLOCKABLE,
    FOLL_WRITE,
    MMF_HAS_PINNED,
    PG_DIRTY,
    PROP_NO_USE_AFTER_FREE,
    VM_FAULT_OOM,
    VM_FAULT_RETRY,
    VM_IO,
    VM_LOCKONFAULT,
    VM_MAPPED,
    VM_PFNMAP,
    VM_READ,
    VM_WRITE,
)
from pagefault.hw.cpu import local_irq_disable, local_irq_enable
from pagefault.hw.monitor import break_promise, expect_write
from pagefault.hw.pgtable import (
    huge_pmd_pte,
    pmd_none,
    pmd_table,
    pmd_trans_huge,
    pmdp_get,
    pte_dirty,
    pte_index,
    pte_pfn,
    pte_present,
    pte_protnone,
    pte_special,
    pte_write,
    ptep_get,
)
from pagefault.mm.fs_userfaultfd import userfaultfd_pte_wp
from pagefault.mm.huge_memory import touch_pmd
from pagefault.mm.internal import (
    is_cow_mapping,
    pte_needs_soft_dirty_wp,
    vm_normal_page,
    vma_is_accessible,
    vma_is_shared,
    vma_is_writable,
    vma_needs_dirty_tracking,
)
from pagefault.mm.memory import handle_mm_fault
from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.page_alloc import (
    folio_grab,
    folio_refcount,
    folio_test_anon,
    folio_ungrab,
    is_zero_pfn,
    page_folio,
)
from pagefault.mm.pgtable_generic import (
    pmd_trans_huge_lock,
    pmd_unlock,
    pte_offset_map_lock,
    pte_unmap_unlock,
)
from pagefault.mm.rmap import PageAnonExclusive
from pagefault.mm.secretmem import folio_is_secretmem, vma_is_secretmem
from pagefault.mm.signal import fatal_signal_pending


def gup_must_unshare(st, gup_flags, pfn):
    """Must a fault give us an exclusive page before we may pin this one read-only?

    mm/internal.h gup_must_unshare(), v6.12. Called where the PTE is not writable. Only FOLL_PIN
    asks; a page that is not anonymous (the zero page, a file's) only for a long-term pin. The slow
    path asks in private memory only; GUP-fast goes there to learn which it is.
    """
    if gup_flags & (FOLL_WRITE | FOLL_PIN) != FOLL_PIN:
        return 0
    if not folio_test_anon(st, pfn):
        return gup_flags & FOLL_LONGTERM != 0
    return not PageAnonExclusive(st, pfn)


def gup_breaks_cow(gup_flags):
    """Whether a reference for reading asks for a write fault all the same. Never in v6.12; 5.8's
    should_force_cow_break() did."""
    return gup_flags & FOLL_WRITE != 0


def gup_wants_write(st, mm, vpn, gup_flags):
    """Whether the walk takes only what may be written: shared memory has no COW to break."""
    if not is_cow_mapping(st, mm, vpn):
        return gup_flags & FOLL_WRITE
    return gup_breaks_cow(gup_flags)


def gup_is_forced(gup_flags):
    """Whether the walk takes a page of memory that the user may not write."""
    return gup_flags & FOLL_FORCE != 0


def can_follow_write_pte(st, mm, vpn, pte, gup_flags):
    """mm/gup.c can_follow_write_pte(), v6.12: FOLL_FORCE writes through a read-only PTE if COW has
    been broken and no fault is to tell of the write (since 6.0, commit 5535be309971)."""
    if pte_write(pte):
        return 1
    if not gup_is_forced(gup_flags) or vma_is_writable(st, mm, vpn):
        return 0
    if not folio_test_anon(st, pte_pfn(pte)) or not PageAnonExclusive(st, pte_pfn(pte)):
        return 0
    if pte_needs_soft_dirty_wp(st, mm, vpn, pte) or userfaultfd_pte_wp(st, mm, vpn, pte):
        return 0
    return 1


def gup_flags_after_fault(st, mm, vpn, gup_flags):
    """What the walk remembers of a fault that it took. Nothing in v6.12; up to 5.19 FOLL_COW."""
    return gup_flags


def mm_set_has_pinned_flag(st, mm):
    """mm/gup.c mm_set_has_pinned_flag(), v6.12: from now on fork looks for pins in this mm."""
    st.mm[mm].mm_flags |= MMF_HAS_PINNED


def try_grab_folio(st, pfn, gup_flags):
    """mm/gup.c try_grab_folio(), v6.12."""
    folio_grab(st, pfn, gup_flags)


def try_grab_folio_refuses(st, pfn):
    """mm/gup.c try_grab_folio(), v6.12: a warning and -ENOMEM, where no reference is there to which
    one could be added."""
    return folio_ref_is_frozen(st, pfn)


def gup_put_folio(st, pfn, gup_flags):
    """mm/gup.c gup_put_folio(), v6.12: undo try_grab_folio(); also unpin_user_page()."""
    folio_ungrab(st, pfn, gup_flags)


# --- the fast path -----------------------------------------------------------------------------


def gup_fast_fallback(st, t, mm, vpn, gup_flags):
    """mm/gup.c gup_fast_fallback(), v6.12: fast path first. Returns a pfn or -EFAULT."""
    if gup_flags & FOLL_PIN:
        mm_set_has_pinned_flag(st, mm)
    if not gup_flags & FOLL_SLOW:
        pfn = yield from gup_fast(st, t, mm, vpn, gup_flags)
        if pfn >= 0:
            return pfn
    return (yield from get_user_page_slow(st, t, mm, vpn, gup_flags))


def gup_fast_sees_fork(st, mm, gup_flags):
    """fork is write-protecting this mm: do not even begin. mm/gup.c gup_fast(), v6.12."""
    return gup_flags & FOLL_PIN and st.mm[mm].write_protect_seq & 1


def gup_fast_raced_with_fork(st, mm, gup_flags, seq):
    """fork write-protected since `seq` was read: what was pinned may be shared by now."""
    return gup_flags & FOLL_PIN and st.mm[mm].write_protect_seq != seq


def gup_fast(st, t, mm, vpn, gup_flags):
    """mm/gup.c gup_fast(), v6.12. Returns a pfn, or -1 to go to the slow path.

    Locks: none. Interrupts are off during the walk, so that no table can be freed under it.
    """
    yield "before the lockless walk"
    if gup_fast_sees_fork(st, mm, gup_flags):
        return -1
    seq = st.mm[mm].write_protect_seq
    local_irq_disable(st, t)
    pfn = yield from gup_fast_pte_range(st, t, mm, vpn, gup_flags)
    local_irq_enable(st, t)
    if pfn >= 0:
        yield "interrupts on, fork not looked for yet"
        if gup_fast_raced_with_fork(st, mm, gup_flags, seq):
            gup_put_folio(st, pfn, gup_flags)
            return -1
    return pfn


def gup_fast_pte_range(st, t, mm, vpn, gup_flags):
    """mm/gup.c gup_fast_pte_range(), v6.12. Returns a pfn, or -1.

    Interrupts off. Read the PTE, take the reference, then look again whether both still stand.
    """
    pmd = pmdp_get(st, mm, vpn)
    if pmd_none(pmd):
        return -1
    if pmd_trans_huge(pmd):
        return (yield from gup_fast_pmd_leaf(st, t, mm, vpn, gup_flags))
    yield "PMD read"
    pte = lockless_pte(st, pmd, vpn)
    if not gup_fast_permits(st, gup_breaks_cow(gup_flags), pte):
        return -1

    yield "PTE read, no reference yet"
    if folio_refcount(st, pte_pfn(pte)) <= 0 or folio_ref_is_frozen(st, pte_pfn(pte)):
        return -1
    try_grab_folio(st, pte_pfn(pte), gup_flags)

    yield "reference taken, PTE not rechecked"
    if gup_fast_pte_changed(st, mm, vpn, pmd, pte):
        gup_put_folio(st, pte_pfn(pte), gup_flags)
        return -1
    if gup_fast_refuses_secretmem(st, pte_pfn(pte)):
        gup_put_folio(st, pte_pfn(pte), gup_flags)
        return -1
    if not gup_fast_folio_allowed(st, pte_pfn(pte), gup_flags):
        gup_put_folio(st, pte_pfn(pte), gup_flags)
        return -1
    if not pte_write(pte) and gup_must_unshare(st, gup_flags, pte_pfn(pte)):
        gup_put_folio(st, pte_pfn(pte), gup_flags)
        return -1
    return pte_pfn(pte)


def folio_ref_is_frozen(st, pfn):
    """Whether a page in use has a reference count of 0, so that nobody can take a reference by its
    number alone. No page that a PTE maps has in v6.12."""
    return 0


def gup_fast_folio_allowed(st, pfn, gup_flags):
    """mm/gup.c gup_fast_folio_allowed(), v6.12: without a VMA to ask, a long-term pin for writing
    takes what is anonymous or of shmem, and nothing that was truncated (since 6.5, commit
    a6e79df92e4a)."""
    longterm_write = FOLL_PIN | FOLL_LONGTERM | FOLL_WRITE
    if gup_flags & longterm_write != longterm_write or folio_test_anon(st, pfn):
        return 1
    file = st.folio[pfn].mapping - 1
    return file >= 0 and st.file[file].kind == FILE_SHMEM


def gup_fast_refuses_secretmem(st, pfn):
    """mm/gup.c gup_fast_folio_allowed(), v6.12: told by the folio's mapping
    (secretmem_mapping())."""
    return folio_is_secretmem(st, pfn)


def gup_fast_pte_changed(st, mm, vpn, pmd, pte):
    """mm/gup.c gup_fast_pte_range(), v6.12: the second look. At the PMD, too, since 6.1 (commit
    70cbc3cc78a9): the table may have been taken out, and the page in it be one that is left."""
    return pmdp_get(st, mm, vpn) != pmd or lockless_pte(st, pmd, vpn) != pte


def gup_fast_pmd_leaf(st, t, mm, vpn, gup_flags):
    """mm/gup.c gup_fast_pmd_leaf(), v6.12: as gup_fast_pte_range(), of a huge page."""
    orig_pmd = pmdp_get(st, mm, vpn)
    pfn = pte_pfn(huge_pmd_pte(orig_pmd, vpn))
    if not gup_fast_permits(st, gup_breaks_cow(gup_flags), orig_pmd):
        return -1

    yield "huge PMD read, no reference yet"
    if folio_refcount(st, pfn) <= 0:
        return -1
    try_grab_folio(st, pfn, gup_flags)

    yield "reference taken, huge PMD not rechecked"
    if pmdp_get(st, mm, vpn) != orig_pmd:
        gup_put_folio(st, pfn, gup_flags)
        return -1
    if not pte_write(orig_pmd) and gup_must_unshare(st, gup_flags, pfn):
        gup_put_folio(st, pfn, gup_flags)
        return -1
    return pfn


def lockless_pte(st, pmd, vpn):
    """Read a PTE through a PMD value read before; the table must not have been freed since."""
    if not st.ptpage[pmd_table(pmd)].in_use:
        break_promise(st, PROP_NO_USE_AFTER_FREE)
    return st.ptpage[pmd_table(pmd)].pte[pte_index(vpn)]


def gup_fast_permits(st, write, pte):
    """pte_access_permitted() and no special mapping; the zero page is one."""
    if not pte_present(pte) or pte_protnone(pte) or pte_special(pte):
        return 0
    return pte_write(pte) or not write


# --- the slow path -----------------------------------------------------------------------------


def check_vma_flags(st, mm, vpn, gup_flags):
    """mm/gup.c check_vma_flags(), v6.12: 0 or -EFAULT. Private memory may always be forced,
    to be written no other."""
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    if not vm_flags & VM_MAPPED or vma_refuses_references(st, mm, vpn):
        return -EFAULT
    if gup_refuses_secretmem(st, mm, vpn):
        return -EFAULT
    if gup_flags & FOLL_WRITE and not writable_file_mapping_allowed(st, mm, vpn, gup_flags):
        return -EFAULT
    if gup_flags & FOLL_FORCE:
        if gup_flags & FOLL_WRITE and not vm_flags & VM_WRITE and vma_is_shared(st, mm, vpn):
            return -EFAULT
        return 0
    if gup_flags & FOLL_WRITE and not vm_flags & VM_WRITE:
        return -EFAULT
    if not vm_flags & VM_READ:
        return -EFAULT
    return 0


def vma_refuses_references(st, mm, vpn):
    """Whether nobody may take references to this memory at all."""
    return st.mm[mm].vma[vpn].vm_flags & (VM_IO | VM_PFNMAP)


def gup_refuses_secretmem(st, mm, vpn):
    """mm/gup.c check_vma_flags(), v6.12, vma_is_secretmem(): nobody gets a reference, however."""
    return vma_is_secretmem(st, mm, vpn)


def writable_file_mapping_allowed(st, mm, vpn, gup_flags):
    """mm/gup.c writable_file_mapping_allowed(), v6.12: who holds a page for long must not write it
    behind the back of its file system (since 6.5, commit 8ac268436e6d)."""
    if gup_flags & (FOLL_PIN | FOLL_LONGTERM) != FOLL_PIN | FOLL_LONGTERM:
        return 1
    return not vma_needs_dirty_tracking(st, mm, vpn)


def get_user_page_slow(st, t, mm, vpn, gup_flags):
    """mm/gup.c __get_user_pages_locked(), v6.12, with its mmap_lock. Returns a pfn or -EFAULT."""
    yield from mmap_read_lock(st, t, mm)
    pfn = yield from __get_user_pages(st, t, mm, vpn, gup_flags | FOLL_UNLOCKABLE)
    mmap_read_unlock(st, mm)
    return pfn


def __get_user_pages(st, t, mm, vpn, gup_flags):
    """mm/gup.c __get_user_pages(), v6.12, of one page. Returns a pfn, -EFAULT, -ENOMEM or -EINTR.

    After each fault it looks again: the page may have changed meanwhile. Locks: mmap_lock held for
    reading on entry and on return; a fault that waits gives it back in between, if the caller
    lets it (FOLL_UNLOCKABLE).
    """
    pfn = -ENOENT
    while pfn < 0:
        if fatal_signal_pending(st, t):
            return -EINTR
        ret = check_vma_flags(st, mm, vpn, gup_flags)
        if ret == 0:
            pfn = yield from follow_page_pte(st, t, mm, vpn, gup_flags)
            if pfn in (-EFAULT, -ENOMEM):
                return pfn
            if pfn < 0:
                ret = yield from faultin_page(st, t, mm, vpn, gup_flags, pfn == -EMLINK)
                if ret == VM_FAULT_OOM:
                    return -ENOMEM
                if ret & VM_FAULT_RETRY:
                    yield from mmap_read_lock(st, t, mm)
                    ret = 0
                gup_flags = gup_flags_after_fault(st, mm, vpn, gup_flags)
        if ret != 0:
            return -EFAULT
    return pfn


def populate_vma_page(st, t, mm, vpn, gup_flags):
    """mm/gup.c populate_vma_page_range(), v6.12, of one page: 0, -EFAULT or -ENOMEM. What is
    writable gets a write fault, to break COW now. Locks: as __get_user_pages()."""
    if st.mm[mm].vma[vpn].vm_flags & VM_LOCKONFAULT:
        return 0
    if not vma_is_accessible(st, mm, vpn):
        return -EFAULT
    if vma_is_writable(st, mm, vpn) and not vma_is_shared(st, mm, vpn):
        gup_flags |= FOLL_WRITE
    else:
        gup_flags |= FOLL_FORCE
    pfn = yield from __get_user_pages(st, t, mm, vpn, gup_flags)
    if pfn < 0:
        return pfn
    gup_put_folio(st, pfn, gup_flags)
    return 0


def __mm_populate(st, t, mm, start, end):
    """mm/gup.c __mm_populate(), v6.12: fault the pages in, but those of holes, until one fails: 0
    or its error. Locks: takes mmap_lock for reading."""
    yield from mmap_read_lock(st, t, mm)
    ret = 0
    vpn = start
    while vpn < end and ret == 0:
        if st.mm[mm].vma[vpn].vm_flags & (VM_MAPPED | VM_IO | VM_PFNMAP) == VM_MAPPED:
            ret = yield from populate_vma_page(st, t, mm, vpn, FOLL_UNLOCKABLE)
        vpn += 1
    mmap_read_unlock(st, mm)
    return ret


def mm_populate(st, t, mm, start, end):
    """include/linux/mm.h mm_populate(), v6.12: as __mm_populate(), but who fails is skipped. (The
    rest of its VMA, too, which fails as well.)"""
    yield from mmap_read_lock(st, t, mm)
    for vpn in range(start, end):
        if st.mm[mm].vma[vpn].vm_flags & (VM_MAPPED | VM_IO | VM_PFNMAP) == VM_MAPPED:
            yield from populate_vma_page(st, t, mm, vpn, FOLL_UNLOCKABLE)
    mmap_read_unlock(st, mm)


def follow_page_pte(st, t, mm, vpn, gup_flags):
    """mm/gup.c follow_page_pte(), v6.12. Returns a pfn; -ENOENT: fault it in; -EMLINK: unshare.

    Left out: that FOLL_TOUCH marks the folio accessed.
    Locks: mmap_lock held for reading; takes the PTL.
    """
    if pmd_none(pmdp_get(st, mm, vpn)):
        return -ENOENT
    if pmd_trans_huge(pmdp_get(st, mm, vpn)):
        return (yield from follow_huge_pmd(st, t, mm, vpn, gup_flags))
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return -ENOENT

    pfn = pte_pfn(ptep_get(st, mm, vpn))
    ret = follow_refuses(st, mm, vpn, gup_flags)
    if ret == 0:
        try_grab_folio(st, pfn, gup_flags)
        touch_folio(st, mm, vpn, gup_flags)
    pte_unmap_unlock(st, mm, vpn)
    if ret != 0:
        return ret
    return pfn


def follow_huge_pmd(st, t, mm, vpn, gup_flags):
    """mm/gup.c follow_huge_pmd(), v6.12: as follow_page_pte(), of a huge page. Locks: takes the PMD
    lock."""
    locked = yield from pmd_trans_huge_lock(st, t, mm, vpn)
    if not locked:
        return -ENOENT
    pfn = pte_pfn(ptep_get(st, mm, vpn))
    ret = follow_refuses(st, mm, vpn, gup_flags)
    if ret == 0:
        try_grab_folio(st, pfn, gup_flags)
        touch_pmd(st, mm, vpn, gup_flags & FOLL_WRITE)
    pmd_unlock(st, mm)
    if ret != 0:
        return ret
    return pfn


def touch_makes_dirty(st, mm, vpn, pte):
    """mm/gup.c follow_page_pte(), v6.12, FOLL_TOUCH: not where the PTE says so."""
    return not pte_dirty(pte)


def touch_folio(st, mm, vpn, gup_flags):
    """mm/gup.c follow_page_pte(), v6.12, FOLL_TOUCH, which all callers give: the folio is dirty, as
    it will be written to. The PTE is left alone."""
    pte = ptep_get(st, mm, vpn)
    if gup_flags & FOLL_WRITE and touch_makes_dirty(st, mm, vpn, pte) and vm_normal_page(pte):
        st.folio[page_folio(st, pte_pfn(pte))].pg_flags |= PG_DIRTY


def gup_can_follow_protnone(st, mm, vpn, gup_flags):
    """include/linux/mm.h gup_can_follow_protnone(), v6.12: a NUMA hint is a reason to fault only
    for who asks for that; check_vma_flags() has asked the VMA."""
    return not gup_flags & FOLL_HONOR_NUMA_FAULT or not vma_is_accessible(st, mm, vpn)


def follow_may_take(st, pte):
    """mm/gup.c follow_page_pte(), v6.12: a special entry has nothing that could be taken
    (follow_pfn_pte()), but for the zero page's."""
    return vm_normal_page(pte) or is_zero_pfn(pte_pfn(pte))


def follow_refuses(st, mm, vpn, gup_flags):
    """Why follow_page_pte() cannot take the page as it is: 0, -ENOENT, -EMLINK, -EFAULT or
    -ENOMEM. PTL held."""
    pte = ptep_get(st, mm, vpn)
    if not pte_present(pte):
        return -ENOENT
    if not follow_may_take(st, pte):
        return -EFAULT
    if pte_protnone(pte) and not gup_can_follow_protnone(st, mm, vpn, gup_flags):
        return -ENOENT
    if gup_wants_write(st, mm, vpn, gup_flags) and not can_follow_write_pte(
        st, mm, vpn, pte, gup_flags
    ):
        return -ENOENT
    if not pte_write(pte) and is_cow_mapping(st, mm, vpn):
        if gup_must_unshare(st, gup_flags, pte_pfn(pte)):
            return -EMLINK
    return -ENOMEM if try_grab_folio_refuses(st, pte_pfn(pte)) else 0


def faultin_page(st, t, mm, vpn, gup_flags, unshare):
    """mm/gup.c faultin_page(), v6.12. Returns VM_FAULT_* bits."""
    fault_flags = 0
    if gup_flags & FOLL_WRITE:
        expect_write(st, mm, vpn)
    if gup_wants_write(st, mm, vpn, gup_flags):
        fault_flags |= FAULT_FLAG_WRITE
    if gup_flags & FOLL_UNLOCKABLE:
        fault_flags |= FAULT_FLAG_ALLOW_RETRY
    if gup_flags & FOLL_REMOTE:
        fault_flags |= FAULT_FLAG_REMOTE
    if unshare:
        fault_flags |= FAULT_FLAG_UNSHARE
    return (yield from handle_mm_fault(st, t, mm, vpn, fault_flags))
