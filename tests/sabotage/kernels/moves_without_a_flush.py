"""mremap() moves a PTE and leaves the old translation in the TLBs."""

from pagefault.hw.monitor import owner_moves
from pagefault.hw.pgtable import ptep_get_and_clear, set_pte_at
from pagefault.mm.pgtable_generic import pte_alloc, pte_offset_map_lock, pte_unmap_unlock


def move_ptes(st, t, mm, vpn, new_vpn):
    pte_alloc(st, mm, new_vpn)
    yield from pte_offset_map_lock(st, t, mm, vpn)
    set_pte_at(st, mm, new_vpn, ptep_get_and_clear(st, mm, vpn))
    owner_moves(st, t, mm, vpn, new_vpn)
    pte_unmap_unlock(st, mm, vpn)
