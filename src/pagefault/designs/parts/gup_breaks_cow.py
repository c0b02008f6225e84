"""Every GUP reference to private memory asks for a write fault first, even to read: 5.8 only.

should_force_cow_break(), commit 17839856fd58 by Linus Torvalds. In memory that the user may not
write, the fault leaves the page dirty and not writable: FOLL_COW remembers that it was taken.
"""

from pagefault.consts import FOLL_COW
from pagefault.hw.pgtable import pte_dirty, pte_write
from pagefault.mm.internal import vma_is_writable


def gup_breaks_cow(gup_flags):
    return 1


def can_follow_write_pte(st, mm, vpn, pte, gup_flags):
    return pte_write(pte) or (gup_flags & FOLL_COW and pte_dirty(pte))


def gup_flags_after_fault(st, mm, vpn, gup_flags):
    if vma_is_writable(st, mm, vpn):
        return gup_flags
    return gup_flags | FOLL_COW
