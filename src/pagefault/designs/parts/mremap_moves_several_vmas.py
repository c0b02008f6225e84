"""mremap() to a fixed address moves a range of several VMAs, and keeps its holes: since 6.17.

Series "mm/mremap: permit mremap() move of multiple VMAs" by Lorenzo Stoakes (2025): one VMA after
another, of which each unmaps what is in its own way. Something must be mapped where the range
begins, and what userfaultfd watches moves alone. Up to 6.16 the range must be of one VMA.
"""

from pagefault.consts import EFAULT, VM_UFFD_MISSING, VM_UFFD_WP
from pagefault.mm.mmap import range_is_mapped
from pagefault.mm.mremap import mremap_to
from pagefault.mm.vma import vma_end


def remap_move(st, t, start, end, new_start):
    mm = st.task[t].mm
    if not range_is_mapped(st, mm, start, start + 1):
        return -EFAULT
    vpn = start
    while vpn < end:
        next_vpn = vma_end(st, mm, vpn, end)
        if next_vpn > vpn:
            if not _vma_multi_allowed(st, mm, vpn) and (vpn > start or next_vpn < end):
                return -EFAULT
            yield from mremap_to(st, t, vpn, next_vpn, new_start + vpn - start)
            vpn = next_vpn
        else:
            vpn += 1
    return 0


def _vma_multi_allowed(st, mm, vpn):
    """mm/mremap.c vma_multi_allowed(), v6.17. Left out: files that choose addresses themselves."""
    return not st.mm[mm].vma[vpn].vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP)
