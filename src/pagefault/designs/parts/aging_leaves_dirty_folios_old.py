"""The multi-generational LRU no longer makes dirty lazyfree folios the youngest of all.

"mm/mglru: use the common routine for dirty/writeback reactivation", of May 2026: sort_folio() asks
no more for the dirty flag. So reclaim meets such a folio, makes it swap-backed and comes again. In
7.2.13: seen in the kernel that runs (reclaim+fork-free-reclaim-swapped+child-loads, page
in swap); 6.12.107 leaves the page where it is.
"""


def sort_dirty_folio():
    return 0
