"""A file ends earlier, or gives up its page cache. Models mm/truncate.c and mm/fadvise.c."""

from pagefault.consts import CELLS, FILE_SECRET, NR_FILE_PAGES, PG_DIRTY, PG_WRITEBACK
from pagefault.hw.monitor import check_revoked
from pagefault.mm.filemap import (
    filemap_get_folio,
    filemap_invalidate_lock,
    filemap_invalidate_unlock,
    filemap_remove_folio,
    folio_is_page_of,
    inode_lock,
    inode_unlock,
)
from pagefault.mm.folio_lock import folio_lock, folio_trylock, folio_unlock
from pagefault.mm.page_alloc import folio_put
from pagefault.mm.page_writeback import folio_wait_writeback, sys_fsync
from pagefault.mm.secretmem import secretmem_setattr
from pagefault.mm.zap import unmap_mapping_range


def sys_truncate(st, t, file, nr_pages):
    """fs/ext4/inode.c ext4_setattr(), v6.12, and mm/shmem.c shmem_setattr(): 0. The end moves
    first, so that nobody faults a page in again behind the back of what follows."""
    yield from inode_lock(st, t, file)
    if st.file[file].kind == FILE_SECRET:
        ret = yield from secretmem_setattr(st, t, file, nr_pages)
        inode_unlock(st, file)
        return ret
    yield from filemap_invalidate_lock(st, t, file)
    shrinks = nr_pages < st.file[file].nr_pages
    st.file[file].nr_pages = nr_pages
    if shrinks:
        yield from truncate_pagecache(st, t, file, nr_pages)
        truncate_disk(st, file, nr_pages)
    filemap_invalidate_unlock(st, file)
    inode_unlock(st, file)
    check_revoked(st, t)
    return 0


def truncate_pagecache(st, t, file, nr_pages):
    """mm/truncate.c truncate_pagecache(), v6.12: unmap first, for that is quicker page by page; and
    again, for private copies that were made meanwhile."""
    yield from unmap_mapping_range(st, t, file, nr_pages, 1)
    for index in range(nr_pages, NR_FILE_PAGES):
        yield from truncate_inode_page(st, t, file, index)
    yield from unmap_mapping_range(st, t, file, nr_pages, 1)


def truncate_inode_page(st, t, file, index):
    """mm/truncate.c truncate_inode_pages_range(), v6.12, of one page. Locks: takes the folio
    lock."""
    pfn = filemap_get_folio(st, file, index)
    if pfn < 0:
        return
    yield from folio_lock(st, t, pfn)
    if folio_is_page_of(st, pfn, file):
        yield from folio_wait_writeback(st, t, pfn)
        yield from truncate_inode_folio(st, t, file, index, pfn)
    folio_unlock(st, pfn)
    folio_put(st, pfn)


def truncate_inode_folio(st, t, file, index, pfn):
    """mm/truncate.c truncate_inode_folio(), v6.12: what is still mapped is unmapped, but private
    copies. Left out: that only this page is. Locks: folio lock held, so that nobody maps it
    again."""
    if st.page[pfn].mapcount != 0:
        yield from unmap_mapping_range(st, t, file, index, 0)
    st.folio[pfn].pg_flags &= ~PG_DIRTY
    filemap_remove_folio(st, file, pfn)


def truncate_disk(st, file, nr_pages):
    """fs/ext4/inode.c ext4_truncate(), v6.12: blocks beyond the end are free, and read as zeros if
    the file grows again."""
    for index in range(nr_pages, NR_FILE_PAGES):
        for cell in range(CELLS):
            st.file[file].page[index].disk[cell] = 0


def mapping_evict_folio(st, file, pfn):
    """mm/truncate.c mapping_evict_folio(), v6.12: out of the page cache, unless it is dirty or
    somebody has a reference. Locks: folio lock held."""
    if st.folio[pfn].pg_flags & (PG_DIRTY | PG_WRITEBACK):
        return
    if st.folio[pfn].refcount == 2:  # the page cache's and the caller's
        filemap_remove_folio(st, file, pfn)


def sys_drop_cache(st, t, file):
    """mm/fadvise.c generic_fadvise(), v6.12, of POSIX_FADV_DONTNEED after fsync(2): 0, whatever
    could be dropped (invalidate_mapping_pages())."""
    ret = yield from sys_fsync(st, t, file)
    if ret < 0:
        return ret
    for index in range(NR_FILE_PAGES):
        yield "next page of the page cache"
        pfn = filemap_get_folio(st, file, index)
        if pfn >= 0:
            if folio_trylock(st, t, pfn):
                mapping_evict_folio(st, file, pfn)
                folio_unlock(st, pfn)
            folio_put(st, pfn)
    return 0
