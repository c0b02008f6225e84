"""The buffer of a perf event, page by page: perf's vm_ops of kernel/events/core.c, v6.12.

What mmap() and ->close do is in driver.py. Only page 0, which tells where the reader is, can be
written. Left out: the AUX area, and that page->mapping and ->index name the buffer while a page is
mapped, which page_mkwrite() wants and nobody else looks at.
"""

from pagefault.consts import DRV_AREA, FAULT_FLAG_WRITE, FILE_PERF, VM_FAULT_SIGBUS
from pagefault.mm.folio_lock import folio_lock
from pagefault.mm.i_mmap import linear_page_index
from pagefault.mm.page_alloc import folio_get


def perf_maps_on_fault():
    """Whether mmap() leaves it to ->fault to map pages, which are counted then. Not since 6.15
    (commit b709eb872e19)."""
    return 1


def vma_is_perf(st, mm, vpn):
    vm_file = st.mm[mm].vma[vpn].vm_file
    return vm_file != 0 and st.file[vm_file - 1].kind == FILE_PERF


def perf_mmap_fault(st, t, mm, vpn, fault_flags):
    """kernel/events/core.c perf_mmap_fault(), v6.12: the page, locked by __do_fault() and with a
    reference, or the negative of VM_FAULT_* bits. Under RCU, which keeps the buffer that is found.
    Locks: mmap_lock held for reading."""
    v = st.file[st.mm[mm].vma[vpn].vm_file - 1].private[DRV_AREA] - 1
    index = linear_page_index(st, mm, vpn)
    if v < 0 or (index != 0 and fault_flags & FAULT_FLAG_WRITE):
        return -VM_FAULT_SIGBUS
    if index >= st.vmalloc[v].nr_pages:
        return -VM_FAULT_SIGBUS
    pfn = st.vmalloc[v].pfn[index]
    folio_get(st, pfn)
    yield from folio_lock(st, t, pfn)
    return pfn


def mkwrite_refuses(st, mm, vpn):
    """kernel/events/core.c perf_mmap_fault(), v6.12, as page_mkwrite(), and
    perf_mmap_pfn_mkwrite() since 6.15: of a perf buffer only page 0 can be written."""
    return vma_is_perf(st, mm, vpn) and linear_page_index(st, mm, vpn) != 0
