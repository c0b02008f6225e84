"""GUP that forces a write forgets that it wants to write, once a fault has broken COW: Dirty COW.

CVE-2016-5195: 2.6.22 to 4.8.2, before commit 19be0eaffa3a, which has FOLL_COW instead. Without
FOLL_WRITE the walk takes what is there by then; if madvise() has dropped the copy, that is the page
of the file, and the write goes there.
"""

from pagefault.consts import FOLL_FORCE, FOLL_WRITE
from pagefault.hw.pgtable import pte_dirty, pte_pfn, pte_present, pte_write, ptep_get
from pagefault.mm.internal import vma_is_writable
from pagefault.mm.page_alloc import folio_test_anon


def can_follow_write_pte(st, mm, vpn, pte, gup_flags):
    return pte_write(pte)


def gup_flags_after_fault(st, mm, vpn, gup_flags):
    """VM_FAULT_WRITE says that the fault found the copy: looked for here by what it leaves."""
    pte = ptep_get(st, mm, vpn)
    if not gup_flags & FOLL_FORCE or vma_is_writable(st, mm, vpn) or not pte_present(pte):
        return gup_flags
    if folio_test_anon(st, pte_pfn(pte)) and pte_dirty(pte):
        return gup_flags & ~FOLL_WRITE
    return gup_flags
