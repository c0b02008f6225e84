"""A write fault reuses an anonymous page when no other PTE maps it.

mm/swapfile.c reuse_swap_page() up to 5.8, without the swap count. References from GUP are not
looked at: whoever holds one sees the write.
"""

NOT_PROMISED = [
    "exclusive-if-pinned",
    "exclusive-if-writable",
    "exclusive-once",
    "exclusive-until-unpinned",
]


def wp_can_reuse_anon_folio(st, mm, pfn):
    return st.page[pfn].mapcount == 1


def SetPageAnonExclusive(st, pfn):
    """There is no such flag yet."""
