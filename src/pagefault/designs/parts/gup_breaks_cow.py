"""Every GUP reference to private memory asks for a write fault first, even to read: 5.8 only.

should_force_cow_break(), commit 17839856fd58 by Linus Torvalds. In memory that the user may not
write, a page that a forced fault has made dirty will do.
"""

from pagefault.hw.pgtable import pte_dirty, pte_write
from pagefault.mm.memory import vma_is_writable


def gup_breaks_cow(gup_flags):
    return 1


def can_follow_write_pte(st, mm, vpn, pte):
    return pte_write(pte) or (not vma_is_writable(st, mm, vpn) and pte_dirty(pte))
