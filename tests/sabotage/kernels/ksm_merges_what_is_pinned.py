"""KSM asks nobody whether a page is pinned, or referenced in another way."""

from pagefault.mm.rmap import ClearPageAnonExclusive


def ksm_must_not_share(st, pfn, anon_exclusive):
    ClearPageAnonExclusive(st, pfn)
    return 0
