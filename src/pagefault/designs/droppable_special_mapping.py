"""A special mapping with a fault path of its own, whose folios go when they should be written.

Linus Torvalds, 10 and 11 July 2024: not anonymous at all, with a mapping whose writepage succeeds
and discards; Jason A. Donenfeld had tried it earlier that year, and it became a mess. Claim: dirty
means nothing there and no code of anonymous memory needs to know. Cost: a page for each first read;
fork and faults anew. Left out: that what is referenced waits in the mapping to be mapped again;
here it stays mapped.
"""

PARTS = [
    "droppable-by-folio",
    "droppable-is-not-anonymous",
    "userfaultfd-refuses-droppable",
]
