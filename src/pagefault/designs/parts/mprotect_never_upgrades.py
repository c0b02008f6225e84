"""mprotect() back to writable leaves the PTE read-only, for a write fault to judge.

Before 6.0, commit 64fe24a3e05e by David Hildenbrand.
"""


def can_change_pte_writable(st, mm, vpn, pte):
    return 0
