"""fork shares a page that both sides still take for their own."""


def folio_try_dup_anon_rmap_pte(st, mm, pfn):
    st.page[pfn].mapcount += 1
    return 0
