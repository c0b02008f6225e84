"""mlockall(MCL_FUTURE) locks droppable memory that is mapped afterwards, so that it never drops.

From 6.11 on, until commit d239462787b0 by Anthony Yznaga (March 2026; 6.12.86, and 6.18.y of May
2026): mmap_region() had a list of its own of what cannot be locked, and mlock()'s had grown.
"""

from pagefault.mm.internal import VM_SPECIAL


def new_vma_supports_mlock(st, mm, vpn):
    return not st.mm[mm].vma[vpn].vm_flags & VM_SPECIAL
