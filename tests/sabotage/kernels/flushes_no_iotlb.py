"""A TLB flush reaches the CPUs and no IOTLB."""


def has_secondary_tlb(st, mm):
    return 0
