"""Memory left out by mem= and mapped by PFN: the kernel has neither a direct map nor a struct page.

As /dev/mem or a driver maps it (VM_PFNMAP): GUP fails, a dump and the image of hibernation leave it
out, nothing limits it and nobody zeroes it: who maps it next finds what was there. Here its frames
are the allocator's until they are first used.
"""

from pagefault.consts import EFAULT, VM_DONTDUMP, VM_PFNMAP
from pagefault.hw.direct_map import set_direct_map_default_noflush


def secretmem_vm_flags():
    return VM_PFNMAP | VM_DONTDUMP


def secretmem_flush(st, t, pfn):
    yield "mapped by its number"
    st.direct_map[pfn].stale_cpus = 0


def secretmem_free_folio(st, t, pfn):
    yield "nobody maps it"
    set_direct_map_default_noflush(st, pfn)


def safe_copy_page(st, pfn, cell):
    return -EFAULT


def copy_oldmem_page(st, pfn, cell):
    return -EFAULT
