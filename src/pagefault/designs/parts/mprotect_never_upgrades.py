"""mprotect() back to writable leaves a private PTE read-only, for a write fault to judge.

Before 6.0, commit 64fe24a3e05e by David Hildenbrand. A dirty PTE of shared memory became writable
all the same (dirty_accountable), though soft-dirty had been cleared: fixed in 6.0 by commit
76aefad628aa.
"""

from pagefault.consts import VM_SOFTDIRTY
from pagefault.hw.pgtable import pte_dirty, pte_soft_dirty
from pagefault.mm.internal import vma_is_shared, vma_is_writable


def can_change_pte_writable(st, mm, vpn, pte):
    if not vma_is_shared(st, mm, vpn) or not vma_is_writable(st, mm, vpn):
        return 0
    if not pte_soft_dirty(pte) and st.mm[mm].vma[vpn].vm_flags & VM_SOFTDIRTY:
        return 0
    return pte_dirty(pte)
