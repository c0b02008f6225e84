"""A pin for reading takes the page as it is, shared or not: before 5.19 (commit a7f226604170)."""


def gup_must_unshare(st, gup_flags, pfn):
    return 0
