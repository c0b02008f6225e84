"""A write fault copies a page that UFFDIO_WRITEPROTECT has changed and not flushed: 5.7 to 5.11.

Before commit 6ce64428d620 by Nadav Amit: what another CPU writes meanwhile goes to the old page.
"""


def must_flush_before_copy(st, mm, vpn):
    return 0
