"""munmap(), mprotect() and MADV_DONTNEED return without having flushed any TLB."""


def tlb_flush_mmu_tlbonly(st, t, mm):
    yield "not flushed"
