"""Reclaim looks for pins neither before a folio gets a slot nor when its PTE is cleared."""


def reclaim_keeps_pinned(st, pfn):
    return 0


def folio_try_share_anon_rmap_pte(st, pfn):
    st.page[pfn].anon_exclusive = 0
    return 0
