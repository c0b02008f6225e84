"""A memory cgroup that all tasks are in, and that is full. Models mm/memcontrol.c.

Left out: that a charge reclaims first (a program may say so, by reclaim()), the OOM killer, what
is charged besides anonymous pages.
"""

from pagefault.consts import MEMORY_MAX, PG_ANON, VM_FAULT_OOM, WAITING
from pagefault.mm.rmap import vma_is_droppable
from pagefault.mm.signal import fatal_signal_pending


def sys_limit(st, t, pages):
    """mm/memcontrol.c memory_max_write(), v6.12: 0. What is there already stays."""
    st.private[MEMORY_MAX] = pages + 1
    return 0


def mem_cgroup_charge(st):
    """mm/memcontrol.c charge_memcg(), v6.12: whether there may be one anonymous page more."""
    if st.private[MEMORY_MAX] == 0:
        return 1
    charged = 0
    for pfn in range(1, st.nr_pfns):
        if st.folio[pfn].pg_flags & PG_ANON:
            charged += 1
    return charged + 1 < st.private[MEMORY_MAX]


def mem_cgroup_oom_synchronize(st, t):
    """mm/memcontrol-v1.c mem_cgroup_oom_synchronize(), v6.12: who got no page waits until there is
    one, or is killed."""
    yield "out of memory"
    while not mem_cgroup_charge(st) and not fatal_signal_pending(st, t):
        yield WAITING


def fault_out_of_memory(st, mm, vpn):
    """mm/memory.c handle_mm_fault(), v6.12: a fault in droppable memory never fails for want of
    memory; who took it takes it again."""
    if vma_is_droppable(st, mm, vpn):
        return 0
    return VM_FAULT_OOM
