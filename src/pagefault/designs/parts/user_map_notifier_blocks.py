"""user_map over mmu notifiers: whoever takes the page away waits until the section is left.

Jason Gunthorpe's sketch of 11 January 2021. The entry is kept between sections, without a
reference, so that entering costs a lock; any change of the address space waits for whoever uses its
pages. Claim: what is used is the page that the process has. Objections in the thread: it stalls the
mm, and the completion of O_DIRECT puts pages without a word to anybody. A GPU driver whose callback
waits for the fence of a job is this, too.
"""

from pagefault.consts import BLOCKED, EAGAIN, EFAULT, FOLL_GET, MIRROR_LIVE
from pagefault.mm.gup import gup_put_folio
from pagefault.mm.mmu_notifier import mmu_interval_read_begin, mmu_interval_read_retry
from pagefault.mm.notifier_ops import secondary_lock, secondary_unlock, set_spte, zap_sptes
from pagefault.mm.user_map import user_map_gup


def _use(st, s, vpn):
    """The entry may be used from here on, and not go."""
    st.secondary[s].fence = vpn + 1


def _is_used(st, s, start, end):
    return start < st.secondary[s].fence <= end


def _may_map(st, s, seq):
    return st.secondary[s].in_use == MIRROR_LIVE and not mmu_interval_read_retry(st, s, seq)


def user_map_take(st, t, s, vpn):
    while True:
        yield from secondary_lock(st, t, s)
        if st.secondary[s].spte[vpn] != 0:
            _use(st, s, vpn)
            secondary_unlock(st, s)
            return 0
        secondary_unlock(st, s)
        seq = yield from mmu_interval_read_begin(st, t, s)
        pfn = yield from user_map_gup(st, t, s, vpn, FOLL_GET)
        if pfn < 0:
            return -EFAULT
        yield from secondary_lock(st, t, s)
        mapped = _may_map(st, s, seq)
        if mapped:
            set_spte(st, s, vpn, pfn, 1, 0)
            _use(st, s, vpn)
        secondary_unlock(st, s)
        gup_put_folio(st, pfn, FOLL_GET)
        if mapped:
            return 0
        if st.secondary[s].in_use != MIRROR_LIVE:
            return -EFAULT


def user_map_drop(st, t, s, vpn):
    yield "section used, not left"
    st.secondary[s].fence = 0
    return 0


def user_map_put(st, t, s, vpn):
    """There is no reference to put, and nobody is told that the section is over."""
    yield "transfer done"


def user_map_invalidate(st, t, s, start, end, seq, may_wait):
    yield from secondary_lock(st, t, s)
    st.secondary[s].invalidate_seq = seq
    secondary_unlock(st, s)
    if _is_used(st, s, start, end) and not may_wait:
        return -EAGAIN
    yield "until the section is left"
    while _is_used(st, s, start, end):
        yield BLOCKED
    zap_sptes(st, s, start, end)
    return 0
