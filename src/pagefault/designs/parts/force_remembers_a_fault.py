"""FOLL_FORCE writes through a read-only PTE that is dirty, once a fault was taken: 4.9 to 5.19.

FOLL_COW, of commit 19be0eaffa3a by Linus Torvalds (Dirty COW). Since commit 5535be309971 (6.0) by
David Hildenbrand the page must be anon-exclusive instead.
"""

from pagefault.consts import FOLL_COW, FOLL_FORCE
from pagefault.hw.pgtable import pte_dirty, pte_write
from pagefault.mm.internal import vma_is_writable


def can_follow_write_pte(st, mm, vpn, pte, gup_flags):
    if pte_write(pte):
        return 1
    return gup_flags & FOLL_FORCE and gup_flags & FOLL_COW and pte_dirty(pte)


def gup_flags_after_fault(st, mm, vpn, gup_flags):
    if vma_is_writable(st, mm, vpn):
        return gup_flags
    return gup_flags | FOLL_COW
