"""The flush of a direct-map entry skips CPUs that are idle, as that of a user's translation may.

Nobody proposed it: flush_tlb_kernel_range() has no lazy mode to go by, and this is why. Here a CPU
is idle that has no address space loaded. Breaks `secret-does`, and `secret-is` once the CPU wakes
up.
"""

from pagefault.hw.direct_map import flush_tlb_kernel_range


def secretmem_flush(st, t, pfn):
    idle = 0
    for cpu in range(st.nr_cpus):
        if st.cpu[cpu].loaded_mm == 0:
            idle |= 1 << cpu
    st.direct_map[pfn].stale_cpus &= ~idle
    yield from flush_tlb_kernel_range(st, t, pfn)
    st.direct_map[pfn].stale_cpus = idle
