"""RLIMIT_MEMLOCK is asked when a secret page is allocated, of the user, and no VMA is locked.

Commit 97d34aa65c29 (7.3-rc2, 6.12.113, 6.1.191; CVE-2026-93243): a page counts from its fault until
its file is gone, mapped or not. mmap() has no limit; a fault beyond it is SIGBUS, whoever has
CAP_IPC_LOCK. The VMA being not locked, madvise() may zap it. `private[0]` of the state is what is
charged to the user.
"""

from pagefault.consts import NR_FILE_PAGES, VM_DONTDUMP
from pagefault.hw.direct_map import set_direct_map_default_noflush
from pagefault.mm.filemap import page_cache_delete
from pagefault.mm.page_alloc import folio_put
from pagefault.mm.secretmem import secretmem_free_folio


def secretmem_vm_flags():
    return VM_DONTDUMP


def secretmem_charge(st, t, file):
    limit = st.mm[st.task[t].mm].rlimit_memlock - 1
    if limit >= 0 and st.private[0] >= limit:
        return 0
    st.private[0] += 1
    return 1


def secretmem_lost_race(st, t, file, pfn):
    st.private[0] -= 1
    set_direct_map_default_noflush(st, pfn)
    yield "restored, not freed"
    folio_put(st, pfn)


def secretmem_evict(st, t, file):
    for index in range(NR_FILE_PAGES):
        pfn = st.file[file].page[index].pfn
        if pfn:
            page_cache_delete(st, file, pfn)
            yield from secretmem_free_folio(st, t, pfn)
            folio_put(st, pfn)
            st.private[0] -= 1
