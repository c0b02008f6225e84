"""A guest's fault reads the number after it has looked the page up, and not before."""

from pagefault.consts import EFAULT
from pagefault.mm.notifier_ops import (
    mmu_invalidate_retry,
    secondary_lock,
    secondary_unlock,
    set_spte,
)
from pagefault.mm.secondary import kvm_faultin_pfn, kvm_release_pfn


def kvm_tdp_page_fault(st, t, s, vpn, write):
    pfn = yield from kvm_faultin_pfn(st, t, s, vpn, write)
    if pfn < 0:
        return -EFAULT
    yield "page looked up, number not read"
    seq = st.secondary[s].invalidate_seq
    yield from secondary_lock(st, t, s)
    if not mmu_invalidate_retry(st, s, seq):
        set_spte(st, s, vpn, pfn, write, 0)
    secondary_unlock(st, s)
    kvm_release_pfn(st, pfn)
    return 0
