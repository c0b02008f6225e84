"""The multi-generational LRU makes a lazyfree folio swap-backed again where it finds it dirty.

6.1 to 6.10: sort_folio() asked no VMA, and had none to ask. Commit 9651fcedf7b9 (6.11) took it out,
after David Hildenbrand had asked on 11 July 2024 who else calls folio_set_swapbacked() without a
VMA, and Yu Zhao had called it an optimisation. The next unmapping finds the dirty flag as well.
"""


def aging_rescues(st, pfn):
    return 1
