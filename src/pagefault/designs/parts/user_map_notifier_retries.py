"""user_map over mmu notifiers: a section that an invalidation met is done again.

The other way to read the sketch of 11 January 2021: as hmm_range_fault() does, with a number taken
on entry and looked at on leaving. Nobody waits. The page must be held by a reference meanwhile, for
it may be used after it has gone. Claim: a section that was left well used the page that the process
had. Cost: GUP for each section; what is done must be fit to be done twice.
"""

from pagefault.consts import EAGAIN, EFAULT, FOLL_PIN
from pagefault.mm.mmu_notifier import mmu_interval_read_begin, mmu_interval_read_retry
from pagefault.mm.notifier_ops import secondary_lock, secondary_unlock, set_spte, zap_sptes
from pagefault.mm.user_map import user_map_gup


def user_map_take(st, t, s, vpn):
    seq = yield from mmu_interval_read_begin(st, t, s)
    st.secondary[s].private[1] = seq
    pfn = yield from user_map_gup(st, t, s, vpn, FOLL_PIN)
    if pfn < 0:
        return -EFAULT
    set_spte(st, s, vpn, pfn, 1, 1)
    return 0


def user_map_drop(st, t, s, vpn):
    yield from secondary_lock(st, t, s)
    retry = mmu_interval_read_retry(st, s, st.secondary[s].private[1])
    secondary_unlock(st, s)
    st.secondary[s].private[1] = 0
    zap_sptes(st, s, vpn, vpn + 1)
    if retry:
        return -EAGAIN
    return 0


def user_map_invalidate(st, t, s, start, end, seq, may_wait):
    yield from secondary_lock(st, t, s)
    st.secondary[s].invalidate_seq = seq
    secondary_unlock(st, s)
    return 0
