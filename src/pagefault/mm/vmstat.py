"""/proc/vmstat: what the kernel counts. Models mm/vmstat.c.

Of the direct map direct_map_level2_splits and direct_map_level3_splits, and their collapses (since
6.15). Left out: how many.
"""

from pagefault.consts import VMSTAT, VMSTAT_GROWN_SHIFT
from pagefault.hw.choice import choose


def sys_vmstat(st, t, event):
    """mm/vmstat.c vmstat_show(), v6.12: whether a counter has grown since this task last looked; 0
    the first time. A page may lie in a block that was split before, or that others keep split: so
    what would count one need not."""
    grown = st.task[t].private[VMSTAT] & (event << VMSTAT_GROWN_SHIFT)
    st.task[t].private[VMSTAT] &= ~(event << VMSTAT_GROWN_SHIFT)
    st.task[t].private[VMSTAT] |= event
    return grown != 0 and choose(st, 2)
