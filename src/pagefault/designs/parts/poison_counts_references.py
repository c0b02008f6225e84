"""Memory that goes bad is out of use only where nobody else refers to it: up to 5.15.

5.10 says EBUSY of an anonymous page that is pinned or in a pipe, 6.1 does not. The count was asked
for all kinds of pages (page_action()) until 5.16, commit dd0f230a0a80; the page is unmapped anyway.
"""

from pagefault.mm.memory_failure import has_extra_refcount


def poison_leaves_users(st, pfn):
    return has_extra_refcount(st, pfn, 0)
