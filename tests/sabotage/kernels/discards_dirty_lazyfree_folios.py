"""MADV_FREE once, and the page may go for ever, written or not."""


def discard_lazyfree_pte(st, t, mm, vpn, pfn, pte):
    yield "not looked at"
    return 1
