"""A guest's fault reads the page tables by HMM and takes no reference, not even for a while.

Jason Gunthorpe, 11 January 2021: KVM should drop its extra page reference; its number and its lock
make it safe without. KVM does not do so in v6.12.
"""

from pagefault.mm.mmap_lock import mmap_read_lock, mmap_read_unlock
from pagefault.mm.secondary import hmm_range_fault


def kvm_faultin_pfn(st, t, s, vpn, write):
    mm = st.secondary[s].mm
    yield from mmap_read_lock(st, t, mm)
    pfn = yield from hmm_range_fault(st, t, mm, vpn, write)
    mmap_read_unlock(st, mm)
    return pfn


def kvm_release_pfn(st, pfn):
    """There is nothing to drop."""
