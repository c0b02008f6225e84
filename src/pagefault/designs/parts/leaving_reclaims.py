"""The end of a GPU's job allocates memory, and reclaims some first, before its fence signals.

Direct reclaim comes to the job's own pages, tells mmu notifiers, and the driver's callback waits
for the fence. The contract in drivers/dma-buf/dma-fence.c forbids GFP_KERNEL on the way to a fence,
and dma_resv_lockdep() in dma-resv.c tells lockdep so.
"""

from pagefault.consts import EINVAL
from pagefault.mm.user_map import user_map_drop
from pagefault.mm.vmscan import sys_reclaim


def user_map_leave(st, t, s):
    if st.secondary[s].private[0] == 0:
        return -EINVAL
    vpn = st.secondary[s].private[0] - 1
    yield "no memory, direct reclaim"
    yield from sys_reclaim(st, t)
    st.secondary[s].private[0] = 0
    ret = yield from user_map_drop(st, t, s, vpn)
    st.secondary[s].in_progress = 0
    return ret
