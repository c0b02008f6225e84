"""GUP remembers that its write fault broke copy-on-write: FOLL_COW, up to 5.19.

In memory that the user may not write, the fault leaves the page dirty and not writable, and the
walk takes a dirty page for its own. Gone in 6.0 (commit 5535be309971).
"""

from pagefault.consts import FOLL_COW
from pagefault.hw.pgtable import pte_dirty, pte_write
from pagefault.mm.internal import vma_is_writable


def can_follow_write_pte(st, mm, vpn, pte, gup_flags):
    return pte_write(pte) or (gup_flags & FOLL_COW and pte_dirty(pte))


def gup_flags_after_fault(st, mm, vpn, gup_flags):
    if vma_is_writable(st, mm, vpn):
        return gup_flags
    return gup_flags | FOLL_COW
