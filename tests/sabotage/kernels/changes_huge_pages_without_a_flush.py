"""mprotect() takes rights from a huge page and flushes nothing."""


def track_huge_pmd(st, t, vpn):
    return
