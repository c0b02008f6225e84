"""madvise() refuses to make a page exclusive that is pinned, shared or in swap.

Andy Lutomirski, October 2019: the only answer to memory that GUP or RDMA has already. The question
is asked before the page is marked: GUP-fast may come in between. Claim: keeps `secret-is` at grain
op.
"""

from pagefault.consts import MADV_EXCLUSIVE
from pagefault.hw.pgtable import pte_none, pte_pfn, pte_present, ptep_get
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.vma import vma_end


def behavior_is_forbidden(st, mm, vpn, advice):
    if advice != MADV_EXCLUSIVE:
        return 0
    for i in range(vpn, vma_end(st, mm, vpn, st.nr_vpns)):
        pte = ptep_get(st, mm, i)
        if not pte_none(pte) and not pte_present(pte):
            return 1
        if pte_present(pte) and vm_normal_page(pte) and st.folio[pte_pfn(pte)].refcount != 1:
            return 1
    return 0
