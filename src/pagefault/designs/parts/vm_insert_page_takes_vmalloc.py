"""vm_insert_page() takes pages of vmalloc, that have a page type of their own."""

from pagefault.mm.page_alloc import folio_test_anon


def validate_page_before_insert(st, pfn):
    return st.folio[pfn].refcount > 0 and not folio_test_anon(st, pfn)
