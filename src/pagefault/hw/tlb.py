"""Per-CPU TLBs that keep what they hold until it is flushed. Models arch/x86/mm/tlb.c.

A flush reaches other CPUs by an interrupt, which waits while they run with interrupts off: on a
machine without a hypervisor nothing else keeps GUP-fast safe. Left out: PCIDs, lazy TLB mode,
broadcast invalidation, flushes by hypercall, global entries.
"""

from pagefault.consts import BLOCKED, NO_MM, NR_VPN
from pagefault.hw.iotlb import arch_invalidate_secondary_tlbs, has_secondary_tlb
from pagefault.hw.monitor import note_forgotten
from pagefault.hw.pgtable import ptep_get_and_clear


def tlb_drop(st, cpu, vpn):
    """Forget one translation."""
    if st.cpu[cpu].tlb[vpn] != 0:
        st.cpu[cpu].tlb[vpn] = 0
        note_forgotten(st, cpu, vpn)


def tlb_fill(st, cpu, vpn, pte):
    """Replace one translation by what the hardware walk found."""
    st.cpu[cpu].tlb[vpn] = pte
    note_forgotten(st, cpu, vpn)


def flush_tlb_func(st, cpu, start, end):
    """arch/x86/mm/tlb.c flush_tlb_func(), v6.12: on `cpu`, forget vpns [start, end)."""
    for vpn in range(start, end):
        tlb_drop(st, cpu, vpn)


def flush_is_held_up(st, cpu):
    """A flush has to wait for a CPU with interrupts off: it is an IPI. On machines where it is none
    (broadcast invalidation, hypercalls) it does not keep GUP-fast safe."""
    return st.cpu[cpu].irqs_off


def needs_flush_ipi(st, cpu, mm, start, end):
    """Whether the flush can be seen on `cpu`: it runs this mm and holds an entry of the range, or
    interrupts are off there, so that the sender has to wait."""
    if st.cpu[cpu].loaded_mm != mm + 1:
        return 0
    if flush_is_held_up(st, cpu):
        return 1
    for vpn in range(start, end):
        if st.cpu[cpu].tlb[vpn] != 0:
            return 1
    return 0


def flush_tlb_mm_range(st, t, mm, start, end):
    """arch/x86/mm/tlb.c flush_tlb_mm_range(), v6.12: vpns [start, end) on every CPU that runs mm.

    The local CPU first; then an IPI to each other CPU, which takes it once its interrupts are on;
    then the IOTLBs. Who works for a device has no CPU of its own.
    """
    here = st.task[t].cpu
    if st.task[t].mm != NO_MM and st.cpu[here].loaded_mm == mm + 1:
        flush_tlb_func(st, here, start, end)
    for cpu in range(st.nr_cpus):
        if cpu != here and needs_flush_ipi(st, cpu, mm, start, end):
            yield "flush IPI on its way"
            while flush_is_held_up(st, cpu):
                yield BLOCKED
            flush_tlb_func(st, cpu, start, end)
    if has_secondary_tlb(st, mm):
        yield "CPUs flushed, IOTLBs not"
        arch_invalidate_secondary_tlbs(st, mm, start, end)


def flush_tlb_mm(st, t, mm):
    """arch/x86/include/asm/tlbflush.h flush_tlb_mm(), v6.12."""
    yield from flush_tlb_mm_range(st, t, mm, 0, st.nr_vpns)


def arch_tlbbatch_should_defer(st, t, mm):
    """arch/x86/include/asm/tlbflush.h arch_tlbbatch_should_defer(), v6.12: another CPU than this
    one may have translations, so that a flush costs an IPI."""
    return st.mm[mm].mm_cpumask & ~(1 << st.task[t].cpu) != 0


def arch_tlbbatch_add_pending(st, t, mm):
    """arch/x86/include/asm/tlbflush.h arch_tlbbatch_add_pending(), v6.12: these CPUs, too, must
    flush. IOTLBs are not put off."""
    st.task[t].reclaim.cpus |= st.mm[mm].mm_cpumask
    arch_invalidate_secondary_tlbs(st, mm, 0, st.nr_vpns)


def needs_batch_flush_ipi(st, cpu):
    """Whether a flush of everything can be seen on `cpu`, or has to wait for it."""
    if st.cpu[cpu].irqs_off:
        return 1
    for vpn in range(st.nr_vpns):
        if st.cpu[cpu].tlb[vpn] != 0:
            return 1
    return 0


def arch_tlbbatch_flush(st, t):
    """arch/x86/mm/tlb.c arch_tlbbatch_flush(), v6.12: the CPUs of the batch forget everything,
    whatever they run by now."""
    here = st.task[t].cpu
    if st.task[t].reclaim.cpus & (1 << here):
        flush_tlb_func(st, here, 0, NR_VPN)
    for cpu in range(st.nr_cpus):
        in_batch = st.task[t].reclaim.cpus & (1 << cpu)
        if cpu != here and in_batch and needs_batch_flush_ipi(st, cpu):
            yield "batched flush IPI on its way"
            while st.cpu[cpu].irqs_off:
                yield BLOCKED
            flush_tlb_func(st, cpu, 0, NR_VPN)
    st.task[t].reclaim.cpus = 0


def ptep_clear_flush(st, t, mm, vpn):
    """mm/pgtable-generic.c ptep_clear_flush(), v6.12. Returns the old PTE. PTL held."""
    pte = ptep_get_and_clear(st, mm, vpn)
    if pte != 0:
        yield "PTE cleared, TLB not flushed"
        yield from flush_tlb_mm_range(st, t, mm, vpn, vpn + 1)
    return pte
