"""memfd_secret(): files whose pages are out of the direct map while they have any. Models
mm/secretmem.c, as in 5.14 to 7.2 with the fixes up to 6f86d0534fdd (6.18, 6.12.59).

RLIMIT_MEMLOCK is asked when the file is mapped (97d34aa65c29, 7.3, charges pages instead). Left
out: memory that cannot be had, CAP_IPC_LOCK, splits of the direct map. A size that ftruncate() sets
ends within its last page.
"""

from pagefault.consts import (
    EAGAIN,
    EEXIST,
    EINVAL,
    FILE_CLOSED,
    FILE_EVICTED,
    FILE_SECRET,
    NR_FILE_PAGES,
    PG_HWPOISON,
    VM_DONTDUMP,
    VM_EXCLUSIVE,
    VM_FAULT_SIGBUS,
    VM_LOCKED,
    VM_SHARED,
)
from pagefault.hw.direct_map import (
    flush_tlb_kernel_range,
    kernel_reaches,
    set_direct_map_default_noflush,
    set_direct_map_invalid_noflush,
)
from pagefault.mm.filemap import (
    filemap_get_folio,
    filemap_invalidate_lock,
    filemap_invalidate_lock_shared,
    filemap_invalidate_unlock,
    filemap_invalidate_unlock_shared,
    page_cache_delete,
)
from pagefault.mm.folio_lock import folio_lock, folio_trylock, folio_unlock
from pagefault.mm.i_mmap import linear_page_index
from pagefault.mm.page_alloc import clear_highpage, folio_alloc, folio_get, folio_put

FILE_USERS = 0  # of a file's private fields: who holds it for a moment, besides VMAs

# --- what is secret ----------------------------------------------------------------------------


def vma_is_secretmem(st, mm, vpn):
    """mm/secretmem.c vma_is_secretmem(), v6.12: told by the mapping's vm_ops."""
    file = st.mm[mm].vma[vpn].vm_file - 1
    return file >= 0 and st.file[file].kind == FILE_SECRET


def folio_is_secretmem(st, pfn):
    """include/linux/secretmem.h secretmem_mapping(), v6.12: told by the file's operations."""
    file = st.folio[pfn].mapping - 1
    return file >= 0 and st.file[file].kind == FILE_SECRET


def secretmem_active(st):
    """mm/secretmem.c secretmem_active(), v6.12: somebody has such a file."""
    for file in range(st.nr_files):
        if st.file[file].kind == FILE_SECRET and st.file[file].closed != FILE_EVICTED:
            return 1
    return 0


def prepare_anon_folio(st, mm, vpn, pfn):
    """What a design does to an anonymous folio before it is mapped for the first time. Here
    nothing: secret memory is of a file."""
    return


# --- mmap() ------------------------------------------------------------------------------------


def locked_vm(st, mm):
    """mm->locked_vm: how many pages this address space has locked by VMAs, present or not."""
    locked = 0
    for vpn in range(st.nr_vpns):
        if st.mm[mm].vma[vpn].vm_flags & VM_LOCKED:
            locked += 1
    return locked


def mlock_future_ok(st, mm, nr_pages):
    """mm/mmap.c mlock_future_ok(), v6.12."""
    limit = st.mm[mm].rlimit_memlock - 1
    return limit < 0 or locked_vm(st, mm) + nr_pages <= limit


def secretmem_vm_flags():
    """mm/secretmem.c secretmem_mmap(), v6.12: what such a VMA is besides."""
    return VM_LOCKED | VM_DONTDUMP


def secretmem_takes_private():
    """Whether it may be mapped MAP_PRIVATE: where a store gets a copy, which is not secret."""
    return 0


def secretmem_mmap(st, mm, vm_flags, nr_pages):
    """mm/secretmem.c secretmem_mmap(), v6.12: the vm_flags of the mapping, or -EINVAL, -EAGAIN."""
    if not vm_flags & VM_SHARED and not secretmem_takes_private():
        return -EINVAL
    if secretmem_vm_flags() & VM_LOCKED and not mlock_future_ok(st, mm, nr_pages):
        return -EAGAIN
    return vm_flags | secretmem_vm_flags() | VM_EXCLUSIVE


def secretmem_has_a_file():
    """Whether exclusive memory is a mapping of a file. Not so where it is a kind of anonymous
    memory."""
    return 1


def secretmem_populates():
    """Whether mmap() makes the pages present at once. GUP would refuse to."""
    return 0


# --- faults ------------------------------------------------------------------------------------


def secretmem_fault_lock(st, t, file):
    """mm/secretmem.c secretmem_fault(), v6.12: the file gets no first size meanwhile (since 5.19,
    commit 84ac013046cc)."""
    yield from filemap_invalidate_lock_shared(st, t, file)


def secretmem_fault_unlock(st, file):
    filemap_invalidate_unlock_shared(st, file)


def secretmem_fault(st, t, mm, vpn, fault_flags):
    """mm/secretmem.c secretmem_fault(), v6.12: the folio of a page, locked and with a reference, or
    the negative of VM_FAULT_* bits. Locks: mmap_lock held for reading."""
    file = st.mm[mm].vma[vpn].vm_file - 1
    index = linear_page_index(st, mm, vpn)
    if index >= st.file[file].nr_pages:
        return -VM_FAULT_SIGBUS
    return (yield from secretmem_read_folio(st, t, file, index))


def secretmem_read_folio(st, t, file, index):
    """mm/secretmem.c secretmem_fault(), v6.12, of a page that the file has: as it returns. Locks:
    takes the file's invalidate_lock for reading, which may not be what a release does."""
    yield from secretmem_fault_lock(st, t, file)
    pfn = -EEXIST
    while pfn == -EEXIST:
        pfn = yield from secretmem_get_folio(st, t, file, index)
    secretmem_fault_unlock(st, file)
    if pfn >= 0 and is_poisoned(st, pfn):
        folio_unlock(st, pfn)
        folio_put(st, pfn)
        return -VM_FAULT_SIGBUS
    return pfn


def is_poisoned(st, pfn):
    """mm/memory.c __do_fault(), v6.12, PageHWPoison(): the frame has gone bad, nobody maps it."""
    return st.folio[pfn].pg_flags & PG_HWPOISON


def secretmem_get_folio(st, t, file, index):
    """mm/secretmem.c secretmem_fault(), v6.12, once: -EEXIST if somebody else was faster. Nobody
    can find the folio unlocked before the direct map's entry is flushed."""
    pfn = filemap_get_folio(st, file, index)
    if pfn >= 0:
        yield from folio_lock(st, t, pfn)
        return pfn
    yield "page cache has none, nothing allocated"
    pfn = yield from secretmem_alloc_folio(st, t, file)
    if pfn < 0:
        return pfn
    yield "out of the direct map, not in the page cache"
    if st.file[file].page[index].pfn:
        yield from secretmem_lost_race(st, t, file, pfn)
        return -EEXIST
    secretmem_add_folio(st, t, file, index, pfn)
    yield from secretmem_flush(st, t, pfn)
    return pfn


def secretmem_add_folio(st, t, file, index, pfn):
    """mm/filemap.c filemap_add_folio(), v6.12: into the page cache, locked."""
    folio_trylock(st, t, pfn)
    folio_get(st, pfn)
    st.file[file].page[index].pfn = pfn
    st.folio[pfn].mapping = file + 1
    st.folio[pfn].index = index


def secretmem_charge(st, t, file):
    """Whether a page more may be had. Not asked up to 7.2."""
    return 1


def secretmem_alloc_folio(st, t, file):
    """mm/secretmem.c secretmem_fault(), v6.12: a zeroed folio that has left the direct map, whose
    old entry is not flushed."""
    if not secretmem_charge(st, t, file):
        return -VM_FAULT_SIGBUS
    pfn = folio_alloc(st)
    yield "allocated, in the direct map"
    set_direct_map_invalid_noflush(st, pfn)
    return pfn


def secretmem_lost_race(st, t, file, pfn):
    """mm/secretmem.c secretmem_fault(), v6.12: the direct map first, then the folio is free (since
    6.18 and 6.12.59, commit 6f86d0534fdd)."""
    set_direct_map_default_noflush(st, pfn)
    yield "restored, not freed"
    folio_put(st, pfn)


def secretmem_flush(st, t, pfn):
    """mm/secretmem.c secretmem_fault(), v6.12: no CPU reaches it any more. Locks: folio lock held,
    so that it is in no page table yet."""
    yield "in the page cache, direct map not flushed"
    yield from flush_tlb_kernel_range(st, t, pfn)


# --- ftruncate() -------------------------------------------------------------------------------


def secretmem_may_resize(st, file):
    """mm/secretmem.c secretmem_setattr(), v6.12: a file gets its size once (since 5.18)."""
    return st.file[file].nr_pages == 0


def secretmem_setattr_lock(st, t, file):
    """mm/secretmem.c secretmem_setattr(), v6.12: what keeps faults away (since 5.19)."""
    yield from filemap_invalidate_lock(st, t, file)


def secretmem_setattr_unlock(st, file):
    filemap_invalidate_unlock(st, file)


def secretmem_setattr(st, t, file, nr_pages):
    """mm/secretmem.c secretmem_setattr(), v6.12: 0 or -EINVAL. Locks: i_rwsem held for writing."""
    yield from secretmem_setattr_lock(st, t, file)
    ret = -EINVAL
    if secretmem_may_resize(st, file):
        st.file[file].nr_pages = nr_pages
        yield "i_size set, page cache not looked at"
        if nr_pages > 0:
            truncate_inode_partial_folio(st, file, nr_pages - 1)
        ret = 0
    secretmem_setattr_unlock(st, file)
    return ret


def truncate_inode_partial_folio(st, file, index):
    """mm/truncate.c truncate_inode_partial_folio(), v6.12: what is beyond the end of the file in
    its last page becomes zeros, by the direct map. No cell is that far behind."""
    pfn = st.file[file].page[index].pfn
    if pfn:
        kernel_reaches(st, pfn)


# --- the end -----------------------------------------------------------------------------------


def file_is_mapped(st, file):
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if st.mm[mm].vma[vpn].vm_file == file + 1:
                return 1
    return 0


def fput_files(st, t):
    """fs/file_table.c __fput(), v6.12: files that nobody has open or mapped any more are gone. Left
    out: what becomes of other files than memfd_secret()'s. Locks: none."""
    for file in range(st.nr_files):
        if st.file[file].closed == FILE_CLOSED and st.file[file].kind == FILE_SECRET:
            if not file_is_mapped(st, file) and not st.file[file].private[FILE_USERS]:
                st.file[file].closed = FILE_EVICTED
                yield from secretmem_evict(st, t, file)


def secretmem_evict(st, t, file):
    """mm/truncate.c truncate_inode_pages_final(), v6.12: nobody can look the file up any more."""
    for index in range(NR_FILE_PAGES):
        pfn = st.file[file].page[index].pfn
        if pfn:
            page_cache_delete(st, file, pfn)
            yield from secretmem_free_folio(st, t, pfn)
            folio_put(st, pfn)


def secretmem_free_folio(st, t, pfn):
    """mm/secretmem.c secretmem_free_folio(), v6.12: restored first, for only by the direct map can
    it be zeroed; until then everybody could read it there."""
    set_direct_map_default_noflush(st, pfn)
    yield "in the direct map again, not zeroed"
    clear_highpage(st, pfn)
