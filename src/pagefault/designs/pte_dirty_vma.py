"""pte_dirty(pte, vma): the folios of droppable memory never become dirty, by any PTE.

Linus Torvalds and David Hildenbrand, 10 and 11 July 2024, after pte_mkwrite(pte, vma): every site
that hands the dirty bit of a PTE to a folio asks the VMA first. Branch jd/pte_dirty by Jason A.
Donenfeld, parked. Claim: reclaim then needs no special case. Cost: a parameter at each site. Breaks
`never-written-out`: unpin_user_pages_dirty_lock() has no PTE and no VMA.
"""

PARTS = [
    "droppable-unless-dirty",
    "pte-dirty-vma-in-unmap",
    "pte-dirty-vma-in-aging",
    "pte-dirty-vma-in-migration",
    "pte-dirty-vma-in-gup",
    "pte-dirty-vma-in-remote-writes",
]
