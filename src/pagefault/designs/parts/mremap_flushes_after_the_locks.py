"""mremap() flushes a page that is not dirty only after it has dropped the page-table locks.

CVE-2018-18281: before commit eb66ae030829 by Linus Torvalds (4.19; found by Jann Horn). At its new
place the page can be freed while a CPU still reads it at the old one. What is dirty was flushed
under the locks since 4.9, commit 5d1904204c99.
"""

from pagefault.hw.monitor import owner_moves
from pagefault.hw.pgtable import pte_dirty, pte_present, ptep_get_and_clear, set_pte_at
from pagefault.hw.tlb import flush_tlb_mm_range
from pagefault.mm.memory import pte_alloc
from pagefault.mm.mremap import move_soft_dirty_pte, same_table
from pagefault.mm.pgtable_generic import pte_offset_map_lock, pte_unmap_unlock


def move_ptes(st, t, mm, vpn, new_vpn):
    pte_alloc(st, mm, new_vpn)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    if not same_table(st, mm, vpn, new_vpn):
        yield from pte_offset_map_lock(st, t, mm, new_vpn)
    pte = ptep_get_and_clear(st, mm, vpn)
    set_pte_at(st, mm, new_vpn, move_soft_dirty_pte(pte))
    owner_moves(st, t, mm, vpn, new_vpn)
    if pte_present(pte) and pte_dirty(pte):
        yield "PTE moved, TLB not flushed"
        yield from flush_tlb_mm_range(st, t, mm, vpn, vpn + 1)
    if not same_table(st, mm, vpn, new_vpn):
        pte_unmap_unlock(st, mm, new_vpn)
    pte_unmap_unlock(st, mm, vpn)
    if pte_present(pte) and not pte_dirty(pte):
        yield "PTE moved, locks dropped, TLB not flushed"
        yield from flush_tlb_mm_range(st, t, mm, vpn, vpn + 1)
