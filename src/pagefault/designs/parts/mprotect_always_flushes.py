"""mprotect() flushes the TLBs for every page that is there, whether it takes a right away or not.

mm/mprotect.c change_protection_range() up to 5.18: if any entry was visited. Commit c9fe66560bf2 by
Nadav Amit asks of each entry (pte_needs_flush()).
"""


def pte_needs_flush(old_pte, pte):
    return 1
