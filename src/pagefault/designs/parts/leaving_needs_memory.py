"""The end of a GPU's job allocates memory before its fence signals.

The kernel's rule against it is in drivers/dma-buf/dma-fence.c, fence cross-driver contract: drivers
may wait for fences in callbacks of mmu notifiers, so what signals one may allocate with GFP_ATOMIC
at most.
"""

from pagefault.consts import BLOCKED, EINVAL, MMF_OOM_SKIP, MMF_UNSTABLE
from pagefault.mm.user_map import user_map_drop


def _is_reaping(st):
    """The reaper is at work: memory may come of it."""
    for mm in range(st.nr_mms):
        if st.mm[mm].mm_flags & (MMF_UNSTABLE | MMF_OOM_SKIP) == MMF_UNSTABLE:
            return 1
    return 0


def _wait_for_victim(st, t):
    """mm/page_alloc.c __alloc_pages_may_oom(), v6.12: an allocation that nothing but the reaper can
    serve waits for it. Left out: that there is no memory, which a design says instead."""
    yield "no memory, the reaper is at work"
    while _is_reaping(st):
        yield BLOCKED


def user_map_leave(st, t, s):
    if st.secondary[s].private[0] == 0:
        return -EINVAL
    vpn = st.secondary[s].private[0] - 1
    yield from _wait_for_victim(st, t)
    st.secondary[s].private[0] = 0
    ret = yield from user_map_drop(st, t, s, vpn)
    st.secondary[s].in_progress = 0
    return ret
