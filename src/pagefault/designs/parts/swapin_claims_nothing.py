"""Two faults may read one slot past the swap cache, and it may be freed and used anew between.

4.15 to 6.7, CVE-2024-26759, before commit 13ddaf26be32 by Kairui Song.
"""


def swapcache_prepare(st, slot):
    return st.swap[slot].pfn == 0 and st.swap[slot].count != 0


def swapcache_clear(st, slot):
    """There is no claim to end."""
