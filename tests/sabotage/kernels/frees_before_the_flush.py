"""Zapped pages are freed before the TLBs have let go of them."""

from pagefault.hw.tlb import flush_tlb_mm_range
from pagefault.mm.mmu_gather import tlb_batch_pages_flush


def tlb_finish_mmu(st, t, mm):
    start = st.task[t].gather.start
    end = st.task[t].gather.end
    tlb_batch_pages_flush(st, t)
    yield "pages freed, TLBs not flushed"
    yield from flush_tlb_mm_range(st, t, mm, start, end)
    st.mm[mm].tlb_flush_pending -= 1
