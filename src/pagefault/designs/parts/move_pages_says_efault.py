"""move_pages() says EFAULT of a page that was never there, and not ENOENT: up to 6.11.

follow_page() with FOLL_DUMP, which says so of an empty entry (mm/gup.c no_page_table(), v6.1). Seen
on 5.10.223.
"""

from pagefault.consts import EFAULT, ENOENT
from pagefault.hw.pgtable import pte_none


def no_page_to_move(pte):
    if pte_none(pte):
        return -EFAULT
    return -ENOENT
