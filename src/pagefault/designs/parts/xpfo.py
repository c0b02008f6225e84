"""Exclusive page frame ownership: all anonymous memory of users is out of the direct map.

Juerg Haefliger 2016, Khalid Aziz until v9, April 2019. The kernel maps a page back while it works
on it (kmap(), here one step), so nothing is refused and nothing oopses. Nothing is zeroed when it
is freed. Claim: keeps `secret-does`, but for the time of a kmap(), which is no state here.
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
    st.direct_map[pfn].stale_cpus = 0
    folio_add_new_anon_rmap(st, mm, vpn, pfn)
    set_pte_at(st, mm, vpn, pte)
