"""A huge page of droppable memory is discarded with its PMD, though it was written to.

Up to 6.18 __discard_anon_folio_pmd_locked() asks of droppable memory, too, whether it is dirty,
which it always is; so the PMD is split and the pages go one by one, and an empty page table stays.
In 7.2.13 there is none, for the next load maps the huge zero page: seen in the kernel that runs
(thp+droppable-pageout-load).
"""

from pagefault.consts import PG_DIRTY
from pagefault.hw.pgtable import pte_dirty
from pagefault.mm.rmap import vma_is_droppable


def discard_minds_dirty(st, mm, vpn, pfn, pmd):
    if vma_is_droppable(st, mm, vpn):
        return 0
    return st.folio[pfn].pg_flags & PG_DIRTY or pte_dirty(pmd)
