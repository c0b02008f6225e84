"""Dropping a GUP reference takes one more than was taken."""

from pagefault.mm.page_alloc import folio_ref_sub, grab_refs


def gup_put_folio(st, pfn, gup_flags):
    folio_ref_sub(st, pfn, grab_refs(st, pfn, gup_flags) + 1)
