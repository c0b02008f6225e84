"""GUP remembers that its write fault broke copy-on-write: FOLL_COW, up to 5.19.

In memory that the user may not write, the fault leaves the page dirty and not writable, and the
walk takes a dirty page for its own. Gone in 6.0 (commit 5535be309971).
"""

from pagefault.consts import FOLL_COW
from pagefault.hw.pgtable import pte_dirty, pte_pfn, pte_present, pte_write, ptep_get
from pagefault.mm.internal import vma_is_writable
from pagefault.mm.page_alloc import folio_test_anon


def can_follow_write_pte(st, mm, vpn, pte, gup_flags):
    return pte_write(pte) or (gup_flags & FOLL_COW and pte_dirty(pte))


def gup_flags_after_fault(st, mm, vpn, gup_flags):
    """VM_FAULT_WRITE says that the fault found the copy: looked for here by what it leaves."""
    pte = ptep_get(st, mm, vpn)
    if vma_is_writable(st, mm, vpn) or not pte_present(pte) or not pte_dirty(pte):
        return gup_flags
    if not folio_test_anon(st, pte_pfn(pte)):
        return gup_flags
    return gup_flags | FOLL_COW
