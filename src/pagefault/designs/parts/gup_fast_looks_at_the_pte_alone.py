"""GUP-fast looks at the PTE again and not at the PMD: up to 6.0.

The table may have been taken out meanwhile, to be collapsed: what is pinned is the page that is
left behind. Fixed in 6.1 by commit 70cbc3cc78a9 of Yang Shi. Where flushes are IPIs it makes no
difference.
"""

from pagefault.mm.gup import lockless_pte


def gup_fast_pte_changed(st, mm, vpn, pmd, pte):
    return lockless_pte(st, pmd, vpn) != pte
