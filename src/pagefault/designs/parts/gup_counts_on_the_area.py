"""GUP of a kernel page takes a reference to the whole allocation, found from the page.

Matthew Wilcox on linux-mm, 6 December 2024: options 3 and 4, if GUP is to be supported. One page
that is pinned keeps all.
"""

from pagefault.consts import NR_VMALLOC
from pagefault.mm.page_alloc import grab_refs
from pagefault.mm.vmalloc import area_close, page_is_kmem


def _area_of(st, pfn):
    for v in range(NR_VMALLOC):
        for i in range(st.vmalloc[v].nr_pages):
            if st.vmalloc[v].pfn[i] == pfn:
                return v
    return -1


def grab_elsewhere(st, pfn, gup_flags):
    if not page_is_kmem(st, pfn):
        return 0
    st.vmalloc[_area_of(st, pfn)].refcount += grab_refs(st, pfn, gup_flags)
    return 1


def try_grab_folio_refuses(st, pfn):
    return 0


def put_elsewhere(st, pfn, refs):
    if not page_is_kmem(st, pfn):
        return 0
    v = _area_of(st, pfn)
    st.vmalloc[v].refcount -= refs - 1
    area_close(st, v)
    return 1
