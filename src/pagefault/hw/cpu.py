"""One CPU: which task runs on it, its interrupts, and how it turns an address into a folio."""

from pagefault.consts import (
    NO_MM,
    NR_VPN,
    PAGE_ACCESSED,
    PAGE_DANGLING,
    PAGE_DIRTY,
    PAGE_PRESENT,
    PAGE_RW,
    PAGE_SOFT_DIRTY,
    PAGE_UFFD_WP,
)
from pagefault.hw.choice import choose
from pagefault.hw.monitor import (
    note_secret,
    observe_dangling,
    observe_file_written,
    observe_load,
    owe,
    owe_where_mapped,
    write_cell,
)
from pagefault.hw.pgtable import pte_pfn, ptep_get, walk_sets_bits
from pagefault.hw.tlb import flush_tlb_func, tlb_drop, tlb_fill

ANY_ACCESS = PAGE_ACCESSED | PAGE_DIRTY | PAGE_SOFT_DIRTY | PAGE_UFFD_WP


def local_irq_disable(st, t):
    st.cpu[st.task[t].cpu].irqs_off = 1


def local_irq_enable(st, t):
    st.cpu[st.task[t].cpu].irqs_off = 0


def switch_to(st, t):
    """Let task `t` run on its CPU. 0 if another task is inside an interrupts-off section there.

    Models arch/x86/mm/tlb.c switch_mm_irqs_off(), v6.12, without PCIDs: a change of address space
    flushes. A device has no CPU.
    """
    if st.task[t].mm == NO_MM:
        return 1
    cpu = st.cpu[st.task[t].cpu]
    if cpu.current_task == t + 1:
        return 1
    if cpu.irqs_off:
        return 0
    cpu.current_task = t + 1
    if cpu.loaded_mm != st.task[t].mm + 1:
        load_mm(st, st.task[t].cpu, st.task[t].mm)
    return 1


def load_mm(st, cpu, mm):
    """Load an address space, and forget the translations of the old one."""
    flush_tlb_func(st, cpu, 0, NR_VPN)
    old = st.cpu[cpu].loaded_mm
    if old != 0:
        st.mm[old - 1].mm_cpumask &= ~(1 << cpu)
    st.cpu[cpu].loaded_mm = mm + 1
    st.mm[mm].mm_cpumask |= 1 << cpu


def entry_permits(entry, write):
    """The TLB can answer without a walk: for a store the entry must be writable and dirty."""
    if write:
        return entry & PAGE_PRESENT and entry & PAGE_RW and entry & PAGE_DIRTY
    return entry & PAGE_PRESENT


def lacks_the_key(st, t, vpn):
    """Whether the thread's protection keys (PKRU) keep it from an address, whatever its translation
    allows. Nobody uses any."""
    return 0


def translate(st, t, vpn, write):
    """What the CPU does with an address: the PTE it uses, or 0 for a page fault.

    A cached entry may have been evicted by now; that can only be told where it differs from the
    page table, so only there the explorer takes both. The walk sets accessed and dirty in the
    table, under the same bus lock with which it checks the permission.
    """
    if lacks_the_key(st, t, vpn):
        return 0
    cpu = st.task[t].cpu
    mm = st.task[t].mm
    entry = st.cpu[cpu].tlb[vpn]
    pte = ptep_get(st, mm, vpn)
    if entry_permits(entry, write):
        if (entry | ANY_ACCESS) == (pte | ANY_ACCESS):
            return entry
        if choose(st, 2) == 0:
            return entry
    if not pte & PAGE_PRESENT or (write and not pte & PAGE_RW):
        tlb_drop(st, cpu, vpn)
        return 0
    pte |= PAGE_ACCESSED
    if write:
        pte |= PAGE_DIRTY
    walk_sets_bits(st, mm, vpn, pte)
    tlb_fill(st, cpu, vpn, pte)
    return pte


def cpu_load(st, t, vpn, pte, cell):
    """Read a cell through a translation; the value."""
    pfn = pte_pfn(pte)
    observe_dangling(st, pte & PAGE_DANGLING)
    observe_load(st, st.task[t].mm, vpn, pfn, cell)
    return st.page[pfn].cell[cell]


def cpu_store(st, t, vpn, pte, cell, value):
    """Write a cell through a translation."""
    observe_dangling(st, pte & PAGE_DANGLING)
    write_cell(st, st.task[t].mm, pte_pfn(pte), cell, value)
    note_secret(st, st.task[t].mm, vpn, pte_pfn(pte), cell)
    observe_file_written(st, st.task[t].mm, vpn, pte_pfn(pte))
    owe(st, st.task[t].mm, vpn, cell, value)
    owe_where_mapped(st, st.task[t].mm, pte_pfn(pte), cell, value)
