"""GUP marks the entry of a huge page dirty, though it only reads: from 4.10 to 4.14.

CVE-2017-1000405, "Huge Dirty COW". With FOLL_COW a dirty entry tells GUP that copy-on-write has
been broken (commit 8310d48b125d), and somebody who reads makes that of the huge zero page. Fixed in
4.15 by commit a8f97366452e of Kirill A. Shutemov.
"""

from pagefault.hw.pgtable import pmdp_get, pte_mkdirty, pte_mkyoung, set_pmd_at


def touch_pmd(st, mm, vpn, write):
    set_pmd_at(st, mm, vpn, pte_mkdirty(pte_mkyoung(pmdp_get(st, mm, vpn))))
