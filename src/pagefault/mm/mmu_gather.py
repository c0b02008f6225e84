"""Zapped pages are freed only after the TLBs have let go of them. Models mm/mmu_gather.c.

Each task has one gather. Left out: batches that overflow.
"""

from pagefault.consts import BLOCKED, BUG_GATHER_OVERFLOW, NR_GATHER, NR_VPN
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.tlb import flush_tlb_mm_range
from pagefault.mm.page_alloc import folio_put
from pagefault.mm.rmap import folio_remove_rmap_pte
from pagefault.mm.swap_state import free_swap_cache


def tlb_gather_mmu(st, t, mm):
    """mm/mmu_gather.c tlb_gather_mmu(), v6.12."""
    st.mm[mm].tlb_flush_pending += 1


def tlb_track_range(st, t, vpn):
    """A translation of `vpn` must be flushed. include/asm-generic/tlb.h __tlb_adjust_range()."""
    gather = st.task[t].gather
    if gather.start == gather.end:
        gather.start = vpn
        gather.end = vpn + 1
    else:
        gather.start = min(gather.start, vpn)
        gather.end = max(gather.end, vpn + 1)


def tlb_delay_rmap(st):
    """include/asm-generic/tlb.h tlb_delay_rmap(), v6.12: a dirty page of a file stays in the rmap
    until the TLBs are flushed (since 6.2, commit 5df397dec7c4)."""
    return 1


def tlb_remove_folio(st, t, pfn):
    """Queue a reference to be dropped after the flush. __tlb_remove_folio_pages_size()."""
    gather = st.task[t].gather
    if gather.nr >= NR_GATHER:
        VM_BUG_ON(st, 1, BUG_GATHER_OVERFLOW)
        return
    gather.pfn[gather.nr] = pfn
    gather.nr += 1


def tlb_remove_folio_keeping_rmap(st, t, pfn):
    """The same, v6.12 with `delay_rmap`: tlb_flush_rmaps() takes the page out of the rmap."""
    tlb_remove_folio(st, t, pfn)
    st.task[t].gather.delayed_rmap |= 1 << (st.task[t].gather.nr - 1)


def tlb_remove_table(st, t, table):
    """Queue a page-table page to be freed after the flush. mm/mmu_gather.c tlb_remove_table()."""
    st.task[t].gather.freed_tables |= 1 << table


def tlb_flush_mmu_tlbonly(st, t, mm):
    """include/asm-generic/tlb.h tlb_flush_mmu_tlbonly(), v6.12."""
    if st.task[t].gather.end > st.task[t].gather.start:
        yield "PTEs cleared, TLBs not flushed"
        yield from flush_tlb_mm_range(st, t, mm, st.task[t].gather.start, st.task[t].gather.end)


def tlb_flush_rmaps(st, t):
    """mm/mmu_gather.c tlb_flush_rmaps(), v6.12: the TLBs are flushed, now the rmap may go."""
    gather = st.task[t].gather
    for i in range(gather.nr):
        if gather.delayed_rmap & (1 << i):
            folio_remove_rmap_pte(st, gather.pfn[i])
    gather.delayed_rmap = 0


def tlb_batch_pages_flush(st, t):
    """mm/mmu_gather.c tlb_batch_pages_flush(), v6.12: drop what was queued."""
    gather = st.task[t].gather
    for i in range(gather.nr):
        free_swap_cache(st, gather.pfn[i])
        folio_put(st, gather.pfn[i])
        gather.pfn[i] = 0
    gather.nr = 0
    for table in range(st.nr_ptpages):
        if gather.freed_tables & (1 << table):
            st.ptpage[table].in_use = 0
    gather.freed_tables = 0
    gather.start = 0
    gather.end = 0


def tlb_remove_table_sync_one(st, t):
    """mm/mmu_gather.c tlb_remove_table_sync_one(), v6.12: an IPI to every CPU, so that who walked
    tables with interrupts off when it was sent is done when this returns."""
    for cpu in range(st.nr_cpus):
        if st.cpu[cpu].irqs_off:
            yield "IPI on its way to a lockless walker"
            while st.cpu[cpu].irqs_off:
                yield BLOCKED


def mm_tlb_flush_pending(st, mm):
    """include/linux/mm_inline.h mm_tlb_flush_pending(), v6.12: somebody has changed PTEs and may
    not have flushed yet."""
    return st.mm[mm].tlb_flush_pending > 0


def mm_tlb_flush_nested(st, mm):
    """include/linux/mm_inline.h mm_tlb_flush_nested(), v6.12: another gather is under way."""
    return st.mm[mm].tlb_flush_pending > 1


def tlb_finish_mmu(st, t, mm):
    """mm/mmu_gather.c tlb_finish_mmu(), v6.12.

    If another task gathers in this mm, it may have cleared entries that we took for none and not
    have flushed them yet: flush everything.

    Left out: page tables freed by RCU, for guests whose flushes are hypercalls. Here a table goes
    as pages go, after the flush, whose IPI waits for the lockless walkers: v6.12 on bare metal.
    """
    if mm_tlb_flush_nested(st, mm):
        st.task[t].gather.start = 0
        st.task[t].gather.end = NR_VPN
    yield from tlb_flush_mmu_tlbonly(st, t, mm)
    tlb_batch_pages_flush(st, t)
    st.mm[mm].tlb_flush_pending -= 1
