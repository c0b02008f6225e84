"""A write fault reuses an anonymous page when nobody else holds a reference to it.

Linux 5.9 to 5.18, commit 09854ba94c6a by Linus Torvalds. A pin is a reference, too.
"""

NOT_PROMISED = [
    "exclusive-if-pinned",
    "exclusive-if-writable",
    "exclusive-once",
    "exclusive-until-unpinned",
]


def wp_can_reuse_anon_folio(st, mm, pfn):
    return st.folio[pfn].refcount == 1


def SetPageAnonExclusive(st, pfn):
    """There is no such flag yet."""
