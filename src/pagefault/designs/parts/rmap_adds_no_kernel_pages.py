"""A kernel page that fork() maps once more gets a reference, and no mapcount: it has none."""

from pagefault.mm.vmalloc import page_is_kmem


def folio_add_file_rmap_pte(st, pfn):
    if not page_is_kmem(st, pfn):
        st.page[pfn].mapcount += 1
