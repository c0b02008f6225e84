"""Secret pages come from a pool that left the direct map as a whole, and was flushed then.

memfd_secret(2) v2 to v16 (July 2020 to 21 January 2021): 2 MiB blocks, in v16 of a CMA area that
`secretmem=` sizes. A fault changes no direct map. Michal Hocko, 26 January 2021: the pool runs dry
at a fault. Here it has two pages, of all files; the third is SIGBUS. No VMA is locked.
"""

from pagefault.consts import VM_DONTDUMP
from pagefault.mm.secretmem import folio_is_secretmem

POOL = 2


def secretmem_vm_flags():
    return VM_DONTDUMP


def secretmem_charge(st, t, file):
    used = 0
    for pfn in range(1, st.nr_pfns):
        if folio_is_secretmem(st, pfn):
            used += 1
    return used < POOL


def secretmem_flush(st, t, pfn):
    yield "from the pool"
    st.direct_map[pfn].stale_cpus = 0
