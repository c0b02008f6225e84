"""mremap() flushes what it has moved only after the page-table locks are dropped: up to 4.18.

CVE-2018-18281, mended in 4.19, commit eb66ae030829 by Linus Torvalds. Who takes the page away at
its new place flushes that, and frees it; a CPU still reaches it at the old one.
"""

from pagefault.hw.monitor import owner_moves
from pagefault.hw.pgtable import pte_present, ptep_get_and_clear, set_pte_at
from pagefault.hw.tlb import flush_tlb_mm_range
from pagefault.mm.mremap import (
    drop_rmap_locks,
    move_soft_dirty_pte,
    same_table,
    take_rmap_locks,
)
from pagefault.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock
from pagefault.mm.rmap import flush_tlb_batched_pending


def move_ptes(st, t, mm, vpn, new_vpn):
    vm_file = yield from take_rmap_locks(st, t, mm, vpn, new_vpn)
    pte_alloc(st, mm, new_vpn)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    if not same_table(st, mm, vpn, new_vpn):
        yield from pte_offset_map_lock(st, t, mm, new_vpn)
    yield from flush_tlb_batched_pending(st, t, mm)
    pte = ptep_get_and_clear(st, mm, vpn)
    set_pte_at(st, mm, new_vpn, move_soft_dirty_pte(pte))
    owner_moves(st, t, mm, vpn, new_vpn)
    if not same_table(st, mm, vpn, new_vpn):
        pte_unmap_unlock(st, mm, new_vpn)
    pte_unmap_unlock(st, mm, vpn)
    drop_rmap_locks(st, vm_file)
    if pte_present(pte):
        yield "PTE moved, PTLs dropped, TLB not flushed"
        yield from flush_tlb_mm_range(st, t, mm, vpn, vpn + 1)
