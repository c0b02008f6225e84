"""There is no PageAnonExclusive: a write fault goes by the reference count alone, as in 5.18.

The swap cache's reference is dropped if no PTE names the slot, and does not count. Commits
53a05ad9f21d and d4c470970d45 by David Hildenbrand; the flag came with 5.19.
"""

NOT_PROMISED = [
    "exclusive-if-pinned",
    "exclusive-if-writable",
    "exclusive-once",
    "exclusive-until-unpinned",
]


def SetPageAnonExclusive(st, pfn):
    """There is no such flag yet."""
