"""The folio says that it is droppable, by a flag of its own; reclaim asks no VMA.

Jason A. Donenfeld and David Hildenbrand, 11 July 2024: PG_owner_priv_1, which is PG_swapcache, or
that one without PG_swapbacked, PG_error, PG_large_rmappable, a new one; turned down, as flags are
few and mean something else elsewhere. Here it is one that nothing else uses. Claim: dirty does not
matter, as in what was merged. Breaks `never-written-out` where a folio comes from elsewhere
(UFFDIO_MOVE), and `no-lost-write` where one goes elsewhere and is dropped there.
"""

PARTS = ["droppable-by-folio"]
