"""A section of user_map that may be done again takes no reference: what it reads may be freed."""

from pagefault.consts import EFAULT, FOLL_GET
from pagefault.mm.gup import gup_put_folio
from pagefault.mm.mmu_notifier import mmu_interval_read_begin
from pagefault.mm.notifier_ops import set_spte
from pagefault.mm.user_map import user_map_gup


def user_map_take(st, t, s, vpn):
    seq = yield from mmu_interval_read_begin(st, t, s)
    st.secondary[s].private[1] = seq
    pfn = yield from user_map_gup(st, t, s, vpn, FOLL_GET)
    if pfn < 0:
        return -EFAULT
    set_spte(st, s, vpn, pfn, 1, 0)
    gup_put_folio(st, pfn, FOLL_GET)
    return 0
