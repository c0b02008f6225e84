"""A frame that was taken out of use before it goes bad is free, and somebody gets it."""

from pagefault.consts import PG_HWPOISON


def page_handle_poison(st, pfn):
    st.folio[pfn].pg_flags |= PG_HWPOISON
