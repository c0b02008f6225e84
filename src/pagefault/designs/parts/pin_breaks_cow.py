"""A pin asks for a write fault first, even to read; a FOLL_GET reference takes what is there.

The first half of "pinning breaks COW, and what is pinned must not become COW again": Linus
Torvalds on linux-mm, December 2021.
"""

from pagefault.consts import FOLL_PIN, FOLL_WRITE


def gup_breaks_cow(gup_flags):
    return gup_flags & (FOLL_PIN | FOLL_WRITE) != 0
