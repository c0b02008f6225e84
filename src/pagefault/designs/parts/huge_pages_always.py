"""Huge pages wherever one fits, without asking for them: transparent_hugepage/enabled = always.

What kernels are built with by default, and some distributions ship.
"""

from pagefault.mm.huge_memory import thp_vma_suitable_order


def thp_vma_allowable_order(st, mm, vpn):
    return st.mm[mm].vma[vpn].vm_file == 0 and thp_vma_suitable_order(st, mm, vpn)
