"""MADV_FREE leaves a folio alone that others map, though it is not dirty and has no slot.

Nobody proposed it. In v6.12 madvise_free_pte_range() asks for the mapcount only where it would
clear the folio's dirty flag. Claim: no process loses data by another one's MADV_FREE. Cost: one
comparison; what fork() shares is not freed lazily until one of the two is gone.
"""


def others_map_lazyfree(st, pfn):
    return st.page[pfn].mapcount != 1
