"""The kernel's own mapping of all memory, by which it reads and writes what a user's page holds.

The kernel takes a page out of it by set_direct_map_invalid_noflush() and puts it back by
set_direct_map_default_noflush(); each CPU may go on with a translation from before until it is
flushed, whether it is idle or not, and whatever address space it has loaded.

All of memory is one block that a large entry could map. A page that leaves splits it, and no
verdict depends on that; a large entry that comes back brings back all pages. Left out: what splits
cost and flushes beyond a range, which `pagefault cost directmap` counts.
"""

from pagefault.consts import (
    BLOCKED,
    PROP_NO_OOPS,
    VMSTAT,
    VMSTAT_COLLAPSES,
    VMSTAT_GROWN_SHIFT,
    VMSTAT_SPLITS,
)
from pagefault.hw.choice import choose
from pagefault.hw.monitor import break_promise, observe_secret


def kernel_page_present(st, pfn):
    """arch/x86/mm/pat/set_memory.c kernel_page_present(), v6.12."""
    return not st.direct_map[pfn].absent


def kernel_reaches(st, pfn):
    """The kernel is about to access a page by the direct map, having no doubt that it may. Where
    the page is not there, that is an oops; a CPU with a stale translation may get away with it.
    Which CPU this is on is not asked."""
    if kernel_page_present(st, pfn) or kernel_maps_back(st, pfn):
        return
    if not (st.direct_map[pfn].stale_cpus and choose(st, 2)):
        break_promise(st, PROP_NO_OOPS)


def kernel_maps_back(st, pfn):
    """Whether the kernel maps a page that is not there before it accesses it, and takes it out
    again. Never in v6.12: kmap_local_page() is the direct map's address."""
    return 0


def bus_read(st, pfn, cell):
    """What somebody reads of a page who has no mapping of its owner: a device, or the kernel."""
    observe_secret(st, pfn, cell)
    return st.page[pfn].cell[cell]


def kernel_read(st, pfn, cell):
    """The kernel reads a cell by the direct map (kmap_local_page(), include/linux/highmem.h)."""
    kernel_reaches(st, pfn)
    return bus_read(st, pfn, cell)


def cpu_reaches(st, t, pfn):
    """Whether the CPU that task `t` runs on can read the page by the direct map: nobody has to have
    meant it to, as in speculation, or by a bug."""
    if kernel_page_present(st, pfn):
        return 1
    return st.direct_map[pfn].stale_cpus & (1 << st.task[t].cpu) and choose(st, 2)


def set_direct_map_invalid_noflush(st, pfn):
    """arch/x86/mm/pat/set_memory.c set_direct_map_invalid_noflush(), v6.12: the entry goes. Any CPU
    may have used it until now. Left out: that it fails without memory for a page table."""
    st.direct_map[pfn].absent = 1
    st.direct_map[pfn].stale_cpus = (1 << st.nr_cpus) - 1
    count_vm_event(st, VMSTAT_SPLITS)


def set_direct_map_default_noflush(st, pfn):
    """arch/x86/mm/pat/set_memory.c set_direct_map_default_noflush(), v6.12: the entry is back. What
    is not there is in no TLB, so nothing is to be flushed."""
    st.direct_map[pfn].absent = 0
    st.direct_map[pfn].stale_cpus = 0
    if block_is_joined(st, pfn):
        join_block(st)


def block_is_joined(st, pfn):
    """Whether who puts a page back makes one large entry of the block again. Never in v6.12; since
    6.15 set_memory_rox() does (cpa_collapse_large_pages()), not who takes pages out."""
    return 0


def count_vm_event(st, event):
    """include/linux/vmstat.h count_vm_event(), v6.12, for those who have looked before."""
    for task in range(st.nr_tasks):
        if st.task[task].private[VMSTAT] & event:
            st.task[task].private[VMSTAT] |= event << VMSTAT_GROWN_SHIFT


def join_block(st):
    """A large entry maps the block, whatever was out of it."""
    count_vm_event(st, VMSTAT_COLLAPSES)
    for pfn in range(st.nr_pfns):
        st.direct_map[pfn].absent = 0
        st.direct_map[pfn].stale_cpus = 0


def block_is_whole(st):
    """Whether no page of the block is out of the direct map."""
    for pfn in range(st.nr_pfns):
        if not kernel_page_present(st, pfn):
            return 0
    return 1


def flush_tlb_kernel_range(st, t, pfn):
    """arch/x86/mm/tlb.c flush_tlb_kernel_range(), v6.12, of the direct map's address of one page:
    on every CPU, idle ones included."""
    here = st.task[t].cpu
    st.direct_map[pfn].stale_cpus &= ~(1 << here)
    for cpu in range(st.nr_cpus):
        if cpu != here and st.direct_map[pfn].stale_cpus & (1 << cpu):
            yield "kernel flush IPI on its way"
            while st.cpu[cpu].irqs_off:
                yield BLOCKED
            st.direct_map[pfn].stale_cpus &= ~(1 << cpu)
