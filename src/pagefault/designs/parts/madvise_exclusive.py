"""madvise() makes pages exclusive that are there already, and what is faulted in from then on.

The form that Dave Hansen and Andy Lutomirski asked about in October 2019, as protection keys have
it: malloc() need not change. It looks at nothing: what is pinned, shared by fork(), in a pipe or in
swap stays so. GUP is refused from then on, by a VMA flag and by a page flag. mmap() and this
madvise() are one call here where a program asks for exclusive memory. The flush of a page that is
faulted in later is one step with the rest.
"""

from pagefault.consts import MADV_EXCLUSIVE, PG_SECRETMEM, VM_EXCLUSIVE
from pagefault.hw.direct_map import flush_tlb_kernel_range, set_direct_map_invalid_noflush
from pagefault.hw.pgtable import pte_pfn, pte_present, ptep_get
from pagefault.mm.internal import vm_normal_page
from pagefault.mm.secretmem import folio_is_secretmem


def exclusive_is_an_advice():
    return 1


def madvise_change_pages(st, t, mm, start, end, advice):
    for vpn in range(start, end):
        yield "next page"
        pte = ptep_get(st, mm, vpn)
        if advice == MADV_EXCLUSIVE and pte_present(pte) and vm_normal_page(pte):
            st.folio[pte_pfn(pte)].pg_flags |= PG_SECRETMEM
            set_direct_map_invalid_noflush(st, pte_pfn(pte))
            yield from flush_tlb_kernel_range(st, t, pte_pfn(pte))


def prepare_anon_folio(st, mm, vpn, pfn):
    if st.mm[mm].vma[vpn].vm_flags & VM_EXCLUSIVE:
        st.folio[pfn].pg_flags |= PG_SECRETMEM
        set_direct_map_invalid_noflush(st, pfn)
        st.direct_map[pfn].stale_cpus = 0


def gup_refuses_secretmem(st, mm, vpn):
    return st.mm[mm].vma[vpn].vm_flags & VM_EXCLUSIVE != 0


def gup_fast_refuses_secretmem(st, pfn):
    return st.folio[pfn].pg_flags & PG_SECRETMEM or folio_is_secretmem(st, pfn)
