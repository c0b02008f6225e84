"""Page tables are freed by a flush that does not wait for interrupts to come on."""

from pagefault.consts import NR_CPUS
from pagefault.hw.tlb import flush_tlb_func


def flush_tlb_mm_range(st, t, mm, start, end):
    for cpu in range(NR_CPUS):
        if st.cpu[cpu].loaded_mm == mm + 1:
            flush_tlb_func(st, cpu, start, end)
    yield "flushed"
