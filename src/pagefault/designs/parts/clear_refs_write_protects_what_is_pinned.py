"""clear_refs write-protects each page, pinned or not: before 5.11 and its backport to 5.10.y.

Before commit 9348b73c2e1b by Linus Torvalds. A kernel that then copies a page with references
loses the pin.
"""


def pte_is_pinned(st, mm, pte):
    return 0
