"""Copy-on-write replaces a PTE without flushing the TLBs."""

from pagefault.hw.pgtable import ptep_get_and_clear


def ptep_clear_flush(st, t, mm, vpn):
    pte = ptep_get_and_clear(st, mm, vpn)
    yield "cleared, never flushed"
    return pte
