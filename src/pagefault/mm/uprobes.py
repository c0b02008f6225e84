"""Breakpoints in the code of processes. Models kernel/events/uprobes.c.

A uprobe belongs to a place of a file: whoever has that mapped privately, and could execute it, gets
a page of his own there with a breakpoint in it. The page is replaced, whoever else has a reference
to it, until 6.15. A uprobe is kept at its file (file.private, by page): its cell, and once somebody
has needed it the instruction that the breakpoint stands for.

Left out: that somebody runs into the breakpoint; reference counters (ref_ctr_offset); more than one
uprobe to a page; bytes that are no instruction; register_rwsem, for dup_mmap_sem keeps the others
out; that an address space is held (mmget_not_zero()), since one that is torn down maps nothing;
VMAs that grow or move, which look for uprobes again; memory that can never be executed
(VM_MAYEXEC).
"""

from pagefault.consts import (
    BLOCKED,
    CELLS,
    DUP_MMAP_SEM,
    EAGAIN,
    EBUSY,
    EFAULT,
    EINVAL,
    EIO,
    ENOENT,
    ENOMEM,
    FILE_SHMEM,
    FOLL_FORCE,
    FOLL_GET,
    FOLL_REMOTE,
    MMF_HAS_UPROBES,
    MMF_UNSTABLE,
    NR_FILE_PAGES,
    TASK_NEW,
    UPROBE_SWBP_INSN,
    VM_MAPPED,
    VM_SHARED,
    VM_WRITE,
)
from pagefault.hw.direct_map import kernel_reaches, kernel_read
from pagefault.hw.monitor import (
    EVERYBODY,
    expect_write,
    observe_rmap_removed,
    owe,
    signed_byte,
)
from pagefault.hw.pgtable import mk_pte, pte_maps, ptep_get, set_pte_at
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.filemap import __filemap_get_folio, filemap_get_folio
from pagefault.mm.folio_lock import folio_lock, folio_unlock
from pagefault.mm.gup import __get_user_pages, gup_put_folio
from pagefault.mm.i_mmap import (
    i_mmap_lock_read,
    i_mmap_unlock_read,
    linear_page_index,
    maps_file_page,
)
from pagefault.mm.internal import vma_page_prot
from pagefault.mm.memcontrol import mem_cgroup_charge
from pagefault.mm.mmap_lock import mmap_write_lock, mmap_write_unlock
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import (
    copy_highpage,
    folio_alloc,
    folio_get,
    folio_put,
    folio_test_anon,
    is_zero_pfn,
    pages_identical,
)
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import anon_vma_prepare, folio_add_new_anon_rmap, folio_remove_rmap_pte
from pagefault.mm.swap_state import folio_free_swap

# --- a uprobe ----------------------------------------------------------------------------------


def uprobe_cell(uprobe):
    """The cell of its page that a uprobe is at."""
    return (uprobe - 1) % CELLS


def uprobe_has_insn(uprobe):
    """kernel/events/uprobes.c UPROBE_COPY_INSN, v6.12."""
    return uprobe > CELLS


def uprobe_insn(uprobe):
    """The instruction that the breakpoint stands for; 0 while nobody has needed it."""
    if not uprobe_has_insn(uprobe):
        return 0
    return signed_byte((uprobe - 1) // CELLS - 1)


def prepare_uprobe(st, t, file, index):
    """kernel/events/uprobes.c prepare_uprobe() and copy_insn(), v6.12: the instruction is read from
    the file before the first breakpoint for it is set; what is beyond the end reads as zero."""
    uprobe = st.file[file].private[index]
    if uprobe_has_insn(uprobe):
        return
    insn = 0
    if index < st.file[file].nr_pages:
        pfn = yield from __filemap_get_folio(st, t, file, index)
        insn = kernel_read(st, pfn, uprobe_cell(uprobe))
        folio_put(st, pfn)
    st.file[file].private[index] = uprobe + CELLS * (1 + (insn & 255))


# --- one place ---------------------------------------------------------------------------------


def is_swbp_insn(opcode):
    """kernel/events/uprobes.c is_swbp_insn(), v6.12: a breakpoint."""
    return opcode == UPROBE_SWBP_INSN


def verify_opcode(st, pfn, cell, opcode):
    """kernel/events/uprobes.c verify_opcode(), v6.12: whether there is something to do: no
    breakpoint yet, or still one."""
    return is_swbp_insn(st.page[pfn].cell[cell]) != is_swbp_insn(opcode)


def copy_to_page(st, pfn, cell, opcode):
    """kernel/events/uprobes.c copy_to_page(), v6.12. It is the kernel's, and no secret."""
    kernel_reaches(st, pfn)
    st.page[pfn].cell[cell] = opcode
    st.page[pfn].writer[cell] = 0
    st.page[pfn].audience[cell] = EVERYBODY


def orig_page_is_identical(st, mm, vpn, pfn):
    """kernel/events/uprobes.c uprobe_write_opcode(), v6.12, where it unregisters: the page is again
    what the page cache has."""
    orig_pfn = filemap_get_folio(st, st.mm[mm].vma[vpn].vm_file - 1, linear_page_index(st, mm, vpn))
    if orig_pfn < 0:
        return 0
    identical = pages_identical(st, pfn, orig_pfn)
    folio_put(st, orig_pfn)
    return identical


def uprobe_gup_flags(opcode):
    """kernel/events/uprobes.c uprobe_write_opcode(), v6.12: it only reads, for the page is
    replaced. Left out: FOLL_SPLIT_PMD, as no file is mapped by PMDs."""
    return FOLL_GET | FOLL_REMOTE | FOLL_FORCE


def uprobe_write_opcode(st, t, mm, vpn, cell, opcode):
    """kernel/events/uprobes.c uprobe_write_opcode(), v6.12: 0 or a negative errno. Locks: mmap_lock
    held for writing."""
    ret = -EAGAIN
    while ret == -EAGAIN:
        gup_flags = uprobe_gup_flags(opcode)
        pfn = yield from __get_user_pages(st, t, mm, vpn, gup_flags)
        if pfn < 0:
            return -EFAULT
        yield "page held, opcode not looked at"
        ret = 0
        if verify_opcode(st, pfn, cell, opcode):
            ret = yield from write_opcode(st, t, mm, vpn, pfn, cell, opcode)
        gup_put_folio(st, pfn, gup_flags)
    return ret


def write_opcode(st, t, mm, vpn, old_pfn, cell, opcode):
    """kernel/events/uprobes.c uprobe_write_opcode(), v6.12: a copy with the opcode takes the page's
    place, or the file's own page, where the copy would be equal to that. Who writes the old page
    meanwhile, or has it pinned, is not asked. -EAGAIN if the PTE has changed.

    Since 6.16 an anonymous page that is exclusive is written itself."""
    if is_zero_pfn(old_pfn):
        return -EINVAL
    if not is_swbp_insn(opcode) and not folio_test_anon(st, old_pfn):
        return 0
    anon_vma_prepare(st, mm, vpn)
    if not mem_cgroup_charge(st):
        return -ENOMEM
    new_pfn = folio_alloc(st)
    copy_highpage(st, new_pfn, old_pfn)
    copy_to_page(st, new_pfn, cell, opcode)
    if not is_swbp_insn(opcode) and orig_page_is_identical(st, mm, vpn, new_pfn):
        folio_put(st, new_pfn)
        new_pfn = -1
    ret = yield from __replace_page(st, t, mm, vpn, old_pfn, new_pfn)
    if ret == 0:
        owe(st, mm, vpn, cell, opcode)
        expect_write(st, mm, vpn)
    if new_pfn >= 0:
        folio_put(st, new_pfn)
    return ret


def __replace_page(st, t, mm, vpn, old_pfn, new_pfn):
    """kernel/events/uprobes.c __replace_page(), v6.12: 0, or -EAGAIN if something else is mapped by
    now. Locks: takes the folio lock of the old page."""
    yield from folio_lock(st, t, old_pfn)
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    ret = yield from replace_pte(st, t, mm, vpn, old_pfn, new_pfn)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    folio_unlock(st, old_pfn)
    return ret


def replace_pte(st, t, mm, vpn, old_pfn, new_pfn):
    """kernel/events/uprobes.c __replace_page(), v6.12: what it does while notifiers know of it. The
    new entry is made from the VMA's rights alone: neither dirty nor soft-dirty. Locks: takes the
    PTL."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return -EAGAIN
    if not pte_maps(ptep_get(st, mm, vpn), old_pfn):
        pte_unmap_unlock(st, mm, vpn)
        return -EAGAIN
    yield from ptep_clear_flush(st, t, mm, vpn)
    if new_pfn >= 0:
        folio_get(st, new_pfn)
        folio_add_new_anon_rmap(st, mm, vpn, new_pfn)
        set_pte_at(st, mm, vpn, mk_pte(new_pfn, vma_page_prot(st, mm, vpn)))
    folio_remove_rmap_pte(st, old_pfn)
    observe_rmap_removed(st, mm, vpn, old_pfn)
    if st.page[old_pfn].mapcount == 0:
        folio_free_swap(st, old_pfn)
    pte_unmap_unlock(st, mm, vpn)
    folio_put(st, old_pfn)
    return 0


# --- all places --------------------------------------------------------------------------------


def valid_vma(st, mm, vpn, is_register):
    """kernel/events/uprobes.c valid_vma(), v6.12: code, which is a private mapping of a file; that
    cannot be written, where a breakpoint is to come."""
    vm_flags = st.mm[mm].vma[vpn].vm_flags
    if not vm_flags & VM_MAPPED or not st.mm[mm].vma[vpn].vm_file or vm_flags & VM_SHARED:
        return 0
    return not is_register or not vm_flags & VM_WRITE


def install_breakpoint(st, t, mm, vpn, file, index):
    """kernel/events/uprobes.c install_breakpoint(), v6.12. Locks: mmap_lock held for writing."""
    yield from prepare_uprobe(st, t, file, index)
    uprobe = st.file[file].private[index]
    first_uprobe = not st.mm[mm].mm_flags & MMF_HAS_UPROBES
    st.mm[mm].mm_flags |= MMF_HAS_UPROBES
    ret = yield from uprobe_write_opcode(st, t, mm, vpn, uprobe_cell(uprobe), UPROBE_SWBP_INSN)
    if ret != 0 and first_uprobe:
        st.mm[mm].mm_flags &= ~MMF_HAS_UPROBES
    return ret


def may_change_vma(st, mm, vpn, file, index, is_register):
    """kernel/events/uprobes.c register_for_each_vma(), v6.12: the page of the file is (still)
    mapped there, as code."""
    if not maps_file_page(st, mm, vpn, file, index) or st.mm[mm].mm_flags & MMF_UNSTABLE:
        return 0
    return valid_vma(st, mm, vpn, is_register)


def register_for_each_vma(st, t, file, index):
    """kernel/events/uprobes.c register_for_each_vma(), v6.12: a breakpoint for all who map the
    page; 0 or the first errno. Left out: that the list of VMAs is made before the first one is
    changed. Locks: dup_mmap_sem held for writing."""
    yield from i_mmap_lock_read(st, t, file)
    i_mmap_unlock_read(st, file)
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if may_change_vma(st, mm, vpn, file, index, 1):
                yield from mmap_write_lock(st, t, mm)
                ret = 0
                if may_change_vma(st, mm, vpn, file, index, 1):
                    ret = yield from install_breakpoint(st, t, mm, vpn, file, index)
                mmap_write_unlock(st, mm)
                if ret != 0:
                    return ret
    return 0


def unregister_for_each_vma(st, t, file, index, uprobe):
    """kernel/events/uprobes.c register_for_each_vma(), v6.12, for uprobe_unregister(): all are put
    right that have been given a breakpoint. An errno leaves it where it is. Locks: dup_mmap_sem
    held for writing."""
    yield from i_mmap_lock_read(st, t, file)
    i_mmap_unlock_read(st, file)
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if may_change_vma(st, mm, vpn, file, index, 0):
                yield from mmap_write_lock(st, t, mm)
                had_uprobes = st.mm[mm].mm_flags & MMF_HAS_UPROBES
                if had_uprobes and may_change_vma(st, mm, vpn, file, index, 0):
                    yield from uprobe_write_opcode(
                        st, t, mm, vpn, uprobe_cell(uprobe), uprobe_insn(uprobe)
                    )
                mmap_write_unlock(st, mm)


def is_forking(st, mm):
    """Whether the address space is one that fork() is just making: nobody runs in it yet."""
    if st.mm[mm].mm_users == 0:
        return 0
    for task in range(st.nr_tasks):
        if st.task[task].mm == mm and st.task[task].state != TASK_NEW:
            return 0
    return 1


def dup_mmap_down_write(st, t):
    """kernel/events/uprobes.c register_for_each_vma(), v6.12, dup_mmap_sem: nobody forks."""
    yield "dup_mmap_sem for writing"
    while st.private[DUP_MMAP_SEM] or fork_under_way(st):
        yield BLOCKED
    st.private[DUP_MMAP_SEM] = 1


def fork_under_way(st):
    """Whether somebody has dup_mmap_sem for reading (uprobe_start_dup_mmap())."""
    for mm in range(st.nr_mms):
        if is_forking(st, mm):
            return 1
    return 0


def sys_uprobe_register(st, t, file, index, cell):
    """kernel/events/uprobes.c uprobe_register(), v6.12, of one that wants all processes: 0, or a
    negative errno, with all as it was; -EIO where there is no page cache to read."""
    if st.file[file].kind > FILE_SHMEM:
        return -EIO
    if index * CELLS + cell > st.file[file].nr_pages * CELLS:
        return -EINVAL
    yield from dup_mmap_down_write(st, t)
    if st.file[file].private[index]:
        st.private[DUP_MMAP_SEM] = 0
        return -EBUSY
    st.file[file].private[index] = 1 + cell
    ret = yield from register_for_each_vma(st, t, file, index)
    st.private[DUP_MMAP_SEM] = 0
    if ret != 0:
        yield from uprobe_unregister(st, t, file, index)
    return ret


def uprobe_unregister(st, t, file, index):
    """kernel/events/uprobes.c uprobe_unregister_nosync(), v6.12. From the start whoever maps the
    file gets no breakpoint."""
    uprobe = st.file[file].private[index]
    st.file[file].private[index] = 0
    yield from dup_mmap_down_write(st, t)
    yield from unregister_for_each_vma(st, t, file, index, uprobe)
    st.private[DUP_MMAP_SEM] = 0
    return uprobe


def sys_uprobe_unregister(st, t, file, index, cell):
    """kernel/trace/trace_uprobe.c uprobe_perf_close() and probe_event_disable(), v6.12: 0, or
    -ENOENT if there is none. The breakpoints go because nobody wants them any more, and once more
    because the uprobe goes; by then there are none, but the pages are looked at."""
    yield "uprobe not looked for"
    uprobe = st.file[file].private[index]
    if st.file[file].kind > FILE_SHMEM or not uprobe or uprobe_cell(uprobe) != cell:
        return -ENOENT
    uprobe = yield from uprobe_unregister(st, t, file, index)
    yield from dup_mmap_down_write(st, t)
    yield from unregister_for_each_vma(st, t, file, index, uprobe)
    st.private[DUP_MMAP_SEM] = 0
    return 0


def uprobe_mmap(st, t, mm, start, end, file):
    """kernel/events/uprobes.c uprobe_mmap(), v6.12, of a new VMA: breakpoints for the uprobes that
    there are; that one fails is nobody's concern. Locks: mmap_lock held for writing."""
    if st.file[file].kind > FILE_SHMEM:
        return
    for vpn in range(start, end):
        index = linear_page_index(st, mm, vpn)
        if index < NR_FILE_PAGES and st.file[file].private[index]:
            if valid_vma(st, mm, vpn, 1):
                yield from install_breakpoint(st, t, mm, vpn, file, index)
