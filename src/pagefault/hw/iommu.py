"""Entries of secondary MMUs, and the IOMMU that walks a process' page tables itself (SVA).

`spte` stands for a KVM shadow PTE, for a DMA address of an RDMA region and for an IOTLB entry: what
a device reaches memory by. Who may fill and clear it differs; what an access through it does is
here. Left out: the IOMMU's paging-structure caches, PASIDs, tearing between devices.
"""

from pagefault.consts import (
    MIRROR_GPC,
    PAGE_ACCESSED,
    PAGE_DANGLING,
    PAGE_DIRTY,
    PAGE_PRESENT,
    PAGE_RW,
)
from pagefault.hw.choice import choose
from pagefault.hw.cpu import ANY_ACCESS, entry_permits
from pagefault.hw.direct_map import bus_read, kernel_reaches
from pagefault.hw.monitor import (
    note_secret,
    observe_dangling,
    observe_load,
    owe,
    owe_where_mapped,
    write_cell,
)
from pagefault.hw.pgtable import pte_pfn, ptep_get, walk_sets_bits


def spte_permits(spte, write):
    """The device can use the entry as it is."""
    if write:
        return spte & PAGE_PRESENT and spte & PAGE_RW
    return spte & PAGE_PRESENT


def iommu_translate(st, s, vpn, write):
    """What an SVA device does with an address: the entry it uses, or 0 for a page request (PRI).

    As a CPU does: a cached entry may have been evicted by now, which can only be told where it
    differs from the page table; the walk sets accessed and dirty.
    """
    mm = st.secondary[s].mm
    spte = st.secondary[s].spte[vpn]
    pte = ptep_get(st, mm, vpn)
    if entry_permits(spte, write):
        if (spte | ANY_ACCESS) == (pte | ANY_ACCESS):
            return spte
        if choose(st, 2) == 0:
            return spte
    if not pte & PAGE_PRESENT or (write and not pte & PAGE_RW):
        st.secondary[s].spte[vpn] = 0
        return 0
    pte |= PAGE_ACCESSED
    if write:
        pte |= PAGE_DIRTY
    walk_sets_bits(st, mm, vpn, pte)
    st.secondary[s].spte[vpn] = pte
    return pte


def reach_page(st, s, pfn):
    """What KVM itself reads or writes of its guest's memory, it does by the direct map
    (virt/kvm/pfncache.c gpc_map()); a guest or a device has its own way to the frame."""
    if st.secondary[s].kind == MIRROR_GPC:
        kernel_reaches(st, pfn)


def secondary_load(st, s, vpn, spte, cell):
    """A device reads a cell through its entry; the value."""
    observe_dangling(st, spte & PAGE_DANGLING)
    reach_page(st, s, pte_pfn(spte))
    observe_load(st, st.secondary[s].mm, vpn, pte_pfn(spte), cell)
    return bus_read(st, pte_pfn(spte), cell)


def secondary_store(st, s, vpn, spte, cell, value):
    """A device writes a cell through its entry."""
    mm = st.secondary[s].mm
    observe_dangling(st, spte & PAGE_DANGLING)
    reach_page(st, s, pte_pfn(spte))
    write_cell(st, mm, pte_pfn(spte), cell, value)
    note_secret(st, mm, vpn, pte_pfn(spte), cell)
    owe(st, mm, vpn, cell, value)
    owe_where_mapped(st, mm, pte_pfn(spte), cell, value)
