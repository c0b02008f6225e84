"""clear_refs leaves the TLBs as they are, unless another gather is under way: 5.6 to 5.11.

From commit 0758cd830494, which lets tlb_finish_mmu() flush nothing where nobody noted a range, to
Will Deacon's "mm: proc: Invalidate TLB after clearing soft-dirty page state" (5.12).
"""

from pagefault.hw.tlb import flush_tlb_mm
from pagefault.mm.mmu_gather import mm_tlb_flush_nested


def clear_refs_flush(st, t, mm):
    yield "PTEs write-protected, TLBs not flushed"
    if mm_tlb_flush_nested(st, mm):
        yield from flush_tlb_mm(st, t, mm)
