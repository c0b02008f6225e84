"""A kernel page that is unmapped loses its reference, and no mapcount: it has none."""

from pagefault.consts import PROP_COUNTS
from pagefault.hw.monitor import break_promise
from pagefault.mm.rmap import folio_add_large_mapcount
from pagefault.mm.vmalloc import page_is_kmem


def folio_remove_rmap_pte(st, pfn):
    if page_is_kmem(st, pfn):
        return
    st.page[pfn].mapcount -= 1
    folio_add_large_mapcount(st, pfn, -1)
    if st.page[pfn].mapcount < 0:
        break_promise(st, PROP_COUNTS)
        st.page[pfn].mapcount = 0
