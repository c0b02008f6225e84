"""The page cache, and what reads, writes and maps it. Models mm/filemap.c.

A file's pages are folios that `folio.mapping` and `folio.index` name, with a reference for the page
cache; any further one is read from the disk when it is needed. A shmem file has no disk: what was
never written is zeros. Left out: that reading takes time, readahead, large folios, swap of shmem,
DAX.
"""

from pagefault.consts import (
    BLOCKED,
    BUG_MAPPED_WHEN_REMOVED,
    BUG_UNLOCK,
    CELLS,
    ENOENT,
    ESPIPE,
    FILE_IO_URING,
    FILE_SECRET,
    FILE_SHMEM,
    INVALIDATE_LOCK_WRITER,
    PG_SWAPBACKED,
    VM_FAULT_SIGBUS,
    VM_UFFD_MINOR,
)
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.direct_map import kernel_reaches, kernel_read
from pagefault.hw.monitor import EVERYBODY, observe_file_read, write_cell, write_seen_by_mappings
from pagefault.mm.folio_lock import folio_lock, folio_unlock
from pagefault.mm.fs_userfaultfd import handle_userfault, userfaultfd_minor
from pagefault.mm.i_mmap import linear_page_index
from pagefault.mm.internal import vma_needs_dirty_tracking
from pagefault.mm.page_alloc import folio_alloc, folio_get, folio_mark_dirty, folio_put
from pagefault.mm.perf import vma_is_perf

# --- locks -------------------------------------------------------------------------------------


def inode_lock(st, t, file):
    """include/linux/fs.h inode_lock(), v6.12: who writes or truncates the file does so alone."""
    yield "i_rwsem"
    while st.file[file].i_rwsem:
        yield BLOCKED
    st.file[file].i_rwsem = 1


def inode_unlock(st, file):
    VM_BUG_ON(st, not st.file[file].i_rwsem, BUG_UNLOCK)
    st.file[file].i_rwsem = 0


def filemap_invalidate_lock(st, t, file):
    """include/linux/fs.h filemap_invalidate_lock(), v6.12: nobody fills the page cache meanwhile.
    shmem does without."""
    if st.file[file].kind == FILE_SHMEM:
        return
    yield "invalidate_lock for writing"
    while st.file[file].invalidate_lock != 0:
        yield BLOCKED
    st.file[file].invalidate_lock = INVALIDATE_LOCK_WRITER


def filemap_invalidate_unlock(st, file):
    if st.file[file].kind == FILE_SHMEM:
        return
    VM_BUG_ON(st, st.file[file].invalidate_lock != INVALIDATE_LOCK_WRITER, BUG_UNLOCK)
    st.file[file].invalidate_lock = 0


def filemap_invalidate_lock_shared(st, t, file):
    """include/linux/fs.h filemap_invalidate_lock_shared(), v6.12."""
    if st.file[file].kind == FILE_SHMEM:
        return
    yield "invalidate_lock for reading"
    while st.file[file].invalidate_lock == INVALIDATE_LOCK_WRITER:
        yield BLOCKED
    st.file[file].invalidate_lock += 1


def filemap_invalidate_unlock_shared(st, file):
    if st.file[file].kind == FILE_SHMEM:
        return
    VM_BUG_ON(st, st.file[file].invalidate_lock <= 0, BUG_UNLOCK)
    st.file[file].invalidate_lock -= 1


# --- the page cache ----------------------------------------------------------------------------


def folio_is_page_of(st, pfn, file):
    """Whether a folio still is the file's: it may have been truncated since it was found."""
    return st.folio[pfn].mapping == file + 1


def filemap_get_folio(st, file, index):
    """mm/filemap.c filemap_get_entry(), v6.12: the folio with a reference, or -1."""
    pfn = st.file[file].page[index].pfn
    if pfn == 0:
        return -1
    folio_get(st, pfn)
    return pfn


def filemap_add_folio(st, t, file, index):
    """mm/filemap.c filemap_create_folio(), v6.12, and shmem_alloc_and_add_folio(): a folio for a
    page that the page cache lacks, with what the disk has; with a reference for the caller."""
    pfn = folio_alloc(st)
    folio_get(st, pfn)
    st.file[file].page[index].pfn = pfn
    st.folio[pfn].mapping = file + 1
    st.folio[pfn].index = index
    if st.file[file].kind == FILE_SHMEM:
        st.folio[pfn].pg_flags |= PG_SWAPBACKED
    for cell in range(CELLS):
        st.page[pfn].cell[cell] = st.file[file].page[index].disk[cell]
        st.page[pfn].audience[cell] = EVERYBODY
    return pfn


def __filemap_get_folio(st, t, file, index):
    """mm/filemap.c __filemap_get_folio(), v6.12, with FGP_CREAT: the folio of a page, with a
    reference: as it is in the page cache, or from the disk."""
    pfn = filemap_get_folio(st, file, index)
    if pfn < 0:
        yield from filemap_invalidate_lock_shared(st, t, file)
        pfn = filemap_get_folio(st, file, index)
        if pfn < 0:
            pfn = filemap_add_folio(st, t, file, index)
        filemap_invalidate_unlock_shared(st, file)
    return pfn


def filemap_remove_folio(st, file, pfn):
    """mm/filemap.c filemap_remove_folio(), v6.12. Nobody may map it. Locks: folio lock held."""
    page_cache_delete(st, file, pfn)
    folio_put(st, pfn)


def page_cache_delete(st, file, pfn):
    """mm/filemap.c page_cache_delete(), v6.12: its reference is the caller's now."""
    VM_BUG_ON(st, st.page[pfn].mapcount != 0, BUG_MAPPED_WHEN_REMOVED)
    st.file[file].page[st.folio[pfn].index].pfn = 0
    st.folio[pfn].mapping = 0
    st.folio[pfn].index = 0


# --- faults ------------------------------------------------------------------------------------


def filemap_fault(st, t, mm, vpn, fault_flags):
    """mm/filemap.c filemap_fault(), v6.12, and mm/shmem.c shmem_fault(): the folio of a page,
    locked and with a reference, or the negative of VM_FAULT_* bits. What is beyond the end of the
    file when the folio is locked was truncated meanwhile. Locks: mmap_lock held for reading.

    Other drivers have mapped all at mmap() and have no ->fault (mm/memory.c do_fault())."""
    file = st.mm[mm].vma[vpn].vm_file - 1
    if st.file[file].kind >= FILE_IO_URING:
        return -VM_FAULT_SIGBUS
    index = linear_page_index(st, mm, vpn)
    while index < st.file[file].nr_pages:
        yield "i_size read, page cache not looked at"
        if userfaultfd_minor(st, mm, vpn) and st.file[file].page[index].pfn:
            ret = yield from handle_userfault(st, t, mm, vpn, fault_flags, VM_UFFD_MINOR)
            return -ret
        pfn = yield from __filemap_get_folio(st, t, file, index)
        yield from folio_lock(st, t, pfn)
        if folio_is_page_of(st, pfn, file) and index < st.file[file].nr_pages:
            return pfn
        folio_unlock(st, pfn)
        folio_put(st, pfn)
    return -VM_FAULT_SIGBUS


def has_page_mkwrite(st, mm, vpn):
    """Whether the mapping's vm_ops have page_mkwrite() that has something to do, as those of shmem
    have not. Of perf's see mkwrite_refuses()."""
    return vma_needs_dirty_tracking(st, mm, vpn) and not vma_is_perf(st, mm, vpn)


def filemap_page_mkwrite(st, t, mm, vpn, pfn):
    """mm/filemap.c filemap_page_mkwrite(), v6.12: the page is about to become writable. Returns
    with the folio locked and dirty and 1, or 0 if it was truncated. Left out: frozen file systems,
    stable pages, what a journal does."""
    file = st.mm[mm].vma[vpn].vm_file - 1
    yield from folio_lock(st, t, pfn)
    if not folio_is_page_of(st, pfn, file):
        folio_unlock(st, pfn)
        return 0
    folio_mark_dirty(st, pfn)
    return 1


# --- read(2) and write(2) ----------------------------------------------------------------------


def sys_pread(st, t, file, index, cell):
    """mm/filemap.c filemap_read(), v6.12, of one cell: its value, or -ENOENT beyond the end. It
    takes no lock: what it has found it reads, though it be truncated meanwhile. shmem reads zeros
    where it has no page, and gets none (shmem_file_read_iter()). What memfd_secret() makes is a
    stream that nobody can read (fs/read_write.c ksys_pread64())."""
    if st.file[file].kind == FILE_SECRET:
        return -ESPIPE
    if index >= st.file[file].nr_pages:
        return -ENOENT
    yield "i_size read, page cache not looked at"
    if st.file[file].kind == FILE_SHMEM and st.file[file].page[index].pfn == 0:
        return 0
    pfn = yield from __filemap_get_folio(st, t, file, index)
    ret = -ENOENT
    yield "folio found, not read yet"
    if index < st.file[file].nr_pages:
        ret = kernel_read(st, pfn, cell)
        observe_file_read(st, pfn, cell)
    folio_put(st, pfn)
    return ret


def sys_pwrite(st, t, file, index, cell, value):
    """mm/filemap.c generic_perform_write(), v6.12, of one cell: 0. The file grows if it must."""
    if st.file[file].kind == FILE_SECRET:
        return -ESPIPE
    yield from inode_lock(st, t, file)
    pfn = yield from __filemap_get_folio(st, t, file, index)
    yield from folio_lock(st, t, pfn)
    kernel_reaches(st, pfn)
    write_cell(st, st.task[t].mm, pfn, cell, value)
    write_seen_by_mappings(st, pfn, cell, value)
    folio_mark_dirty(st, pfn)
    st.file[file].nr_pages = max(st.file[file].nr_pages, index + 1)
    folio_unlock(st, pfn)
    folio_put(st, pfn)
    inode_unlock(st, file)
    return 0
