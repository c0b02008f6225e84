"""Migration takes a kernel page that a driver has mapped for a folio on an LRU list.

That is what a word that only folios have may say of a page that is none, once they have descriptors
of their own: who asks "is it on an LRU list?" must ask "is it a folio?" before.
"""


def folio_has_lru(st, pfn):
    return 1
