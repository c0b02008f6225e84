"""Reclaim discards a clean page that MADV_FREE has marked, though somebody has a reference to it.

4.5 to 5.17, before commit 6c8e2a256915 by Mauricio Faria de Oliveira (5.18): what O_DIRECT reads
into such a page is lost, as the page becomes dirty only when the transfer is over.
"""


def lazyfree_has_other_users(st, pfn):
    return 0
