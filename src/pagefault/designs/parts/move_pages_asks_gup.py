"""move_pages() looks a page up as GUP does, and finds none where GUP is refused: -ENOENT.

Up to 6.11 by follow_page(); 6.1 answers so. 6.12 walks the page table and isolates the folio.
"""

from pagefault.consts import ENOENT


def secret_folio_stays():
    return -ENOENT
