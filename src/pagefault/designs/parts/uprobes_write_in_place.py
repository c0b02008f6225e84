"""A uprobe writes its breakpoint into an anonymous page that is exclusive: since 6.16.

David Hildenbrand's rewrite of kernel/events/uprobes.c uprobe_write_opcode(). A fault by FOLL_FORCE
breaks COW first; the PTE is cleared while the page is written, so that no CPU writes it meanwhile.
Whoever has a reference sees the breakpoint, too, and when it goes a page that somebody else refers
to stays, though it is equal to the file's again. What was written is dirty and soft-dirty.
"""

from pagefault.consts import EAGAIN, EFAULT, FOLL_FORCE, FOLL_GET, FOLL_REMOTE, FOLL_WRITE
from pagefault.hw.choice import choose
from pagefault.hw.monitor import expect_write, observe_rmap_removed, owe
from pagefault.hw.pgtable import (
    pte_maps,
    pte_mkdirty,
    pte_mksoft_dirty,
    pte_write,
    ptep_get,
    set_pte_at,
)
from pagefault.hw.tlb import ptep_clear_flush
from pagefault.mm.fs_userfaultfd import userfaultfd_missing, userfaultfd_pte_wp
from pagefault.mm.gup import __get_user_pages, gup_put_folio
from pagefault.mm.mmu_notifier import (
    mmu_notifier_invalidate_range_end,
    mmu_notifier_invalidate_range_start,
)
from pagefault.mm.page_alloc import folio_put, folio_test_anon
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import PageAnonExclusive, folio_remove_rmap_pte
from pagefault.mm.swap_state import free_swap_cache
from pagefault.mm.uprobes import (
    copy_to_page,
    is_swbp_insn,
    orig_page_is_identical,
    verify_opcode,
)


def uprobe_write_opcode(st, t, mm, vpn, cell, opcode):
    gup_flags = FOLL_GET | FOLL_REMOTE | FOLL_FORCE
    if is_swbp_insn(opcode):
        gup_flags |= FOLL_WRITE
    ret = -EAGAIN
    while ret == -EAGAIN:
        pfn = yield from __get_user_pages(st, t, mm, vpn, gup_flags)
        if pfn < 0:
            return -EFAULT
        yield "page held, opcode not looked at"
        ret = 0
        if verify_opcode(st, pfn, cell, opcode) and folio_test_anon(st, pfn):
            ret = yield from _uprobe_write(st, t, mm, vpn, pfn, cell, opcode)
        gup_put_folio(st, pfn, gup_flags)
        if ret == -EFAULT:
            gup_flags |= FOLL_WRITE
            ret = -EAGAIN
    return ret


def _uprobe_write(st, t, mm, vpn, pfn, cell, opcode):
    """uprobe_write(), v6.16: who follows by notifiers is told only where the page may go."""
    if is_swbp_insn(opcode):
        return (yield from _write_in_place(st, t, mm, vpn, pfn, cell, opcode))
    yield from mmu_notifier_invalidate_range_start(st, t, mm, vpn, vpn + 1)
    ret = yield from _write_in_place(st, t, mm, vpn, pfn, cell, opcode)
    yield from mmu_notifier_invalidate_range_end(st, t, mm)
    return ret


def _write_in_place(st, t, mm, vpn, pfn, cell, opcode):
    """__uprobe_write(), v6.16: -EFAULT if the page is shared, -EAGAIN if it is another."""
    locked = yield from pte_offset_map_lock(st, t, mm, vpn)
    if not locked:
        return -EAGAIN
    pte = ptep_get(st, mm, vpn)
    if not pte_maps(pte, pfn):
        pte_unmap_unlock(st, mm, vpn)
        return -EAGAIN
    if not pte_write(pte) and not _may_write(st, mm, vpn, pfn, pte):
        pte_unmap_unlock(st, mm, vpn)
        return -EFAULT
    pte = yield from ptep_clear_flush(st, t, mm, vpn)
    copy_to_page(st, pfn, cell, opcode)
    zapped = not is_swbp_insn(opcode) and _may_zap(st, mm, vpn, pfn)
    if zapped:
        folio_remove_rmap_pte(st, pfn)
        observe_rmap_removed(st, mm, vpn, pfn)
        free_swap_cache(st, pfn)
    else:
        set_pte_at(st, mm, vpn, pte_mksoft_dirty(pte_mkdirty(pte)))
    owe(st, mm, vpn, cell, opcode)
    expect_write(st, mm, vpn)
    pte_unmap_unlock(st, mm, vpn)
    if zapped:
        folio_put(st, pfn)
    return 0


def _may_write(st, mm, vpn, pfn, pte):
    return PageAnonExclusive(st, pfn) and not userfaultfd_pte_wp(st, mm, vpn, pte)


def _may_zap(st, mm, vpn, pfn):
    """Nobody refers to the page but the PTEs, the swap cache and the caller, and it is equal to
    the file's. A batch of the LRU lists may refer to it: the caller's own GUP has marked the page
    accessed, the second time perhaps, and so it waits to become active."""
    in_swap_cache = st.folio[pfn].swap != 0
    if st.folio[pfn].refcount != st.page[pfn].mapcount + 1 + in_swap_cache:
        return 0
    if userfaultfd_missing(st, mm, vpn):
        return 0
    return orig_page_is_identical(st, mm, vpn, pfn) and choose(st, 2)
