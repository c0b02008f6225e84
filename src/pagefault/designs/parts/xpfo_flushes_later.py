"""XPFO that flushes the direct map some time later.

v6 to v9 put the flush off: at once, it made the system time of a build 26 times as long on 96
cores. Until then a CPU reaches the page by a stale translation.
"""

from pagefault.consts import VM_EXCLUSIVE, VM_SHARED
from pagefault.hw.direct_map import set_direct_map_invalid_noflush
from pagefault.hw.pgtable import mk_pte, pte_mkdirty, set_pte_at
from pagefault.mm.internal import maybe_mkwrite, vma_page_prot
from pagefault.mm.rmap import folio_add_new_anon_rmap


def secretmem_mmap(st, mm, vm_flags, nr_pages):
    return vm_flags & ~VM_SHARED | VM_EXCLUSIVE


def kernel_reaches(st, pfn):
    return


def set_anon_pte(st, mm, vpn, pfn, writable):
    pte = mk_pte(pfn, vma_page_prot(st, mm, vpn))
    if writable:
        pte = maybe_mkwrite(st, mm, vpn, pte_mkdirty(pte))
    set_direct_map_invalid_noflush(st, pfn)
    folio_add_new_anon_rmap(st, mm, vpn, pfn)
    set_pte_at(st, mm, vpn, pte)
