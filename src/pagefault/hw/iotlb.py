"""The IOTLB of a device that shares a process' address space: told by the CPU's TLB flush.

Models drivers/iommu/intel/svm.c. Its entries stand in the same array as those of other secondary
MMUs.
"""

from pagefault.consts import MIRROR_LIVE, MIRROR_SVA, NR_SECONDARY


def is_live(st, s, mm, kind):
    """Secondary MMU `s` follows this mm in this way, and has not let go of it."""
    if st.secondary[s].in_use != MIRROR_LIVE or st.secondary[s].mm != mm:
        return 0
    return st.secondary[s].kind == kind


def has_secondary_tlb(st, mm):
    """An IOTLB may hold entries of this address space."""
    for s in range(NR_SECONDARY):
        if is_live(st, s, mm, MIRROR_SVA):
            return 1
    return 0


def arch_invalidate_secondary_tlbs(st, mm, start, end):
    """mm/mmu_notifier.c __mmu_notifier_arch_invalidate_secondary_tlbs(), v6.12: the IOTLBs forget
    vpns [start, end), as drivers/iommu/intel/svm.c has it. No IOMMU waits for a lock here."""
    for s in range(NR_SECONDARY):
        if is_live(st, s, mm, MIRROR_SVA):
            for vpn in range(start, end):
                st.secondary[s].spte[vpn] = 0
