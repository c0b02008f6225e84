"""Dirty pages of a file go to the disk. Models mm/page-writeback.c and fs/sync.c.

The order is what keeps data: first nobody can write the page unseen any more, then it counts as
clean, then it is written. A store after that faults, and the page is dirty again. Left out: the
writeback of the flusher threads, which does the same at any time, and errors of the disk.
"""

from pagefault.consts import (
    BLOCKED,
    CELLS,
    EINVAL,
    FILE_REGULAR,
    FILE_SECRET,
    NR_FILE_PAGES,
    PG_DIRTY,
    PG_WRITEBACK,
)
from pagefault.mm.filemap import filemap_get_folio, folio_is_page_of
from pagefault.mm.folio_lock import folio_lock, folio_unlock
from pagefault.mm.page_alloc import folio_mark_dirty, folio_put
from pagefault.mm.rmap import folio_mkclean


def folio_wait_writeback(st, t, pfn):
    """mm/page-writeback.c folio_wait_writeback(), v6.12."""
    yield "writeback may be under way"
    while st.folio[pfn].pg_flags & PG_WRITEBACK:
        yield BLOCKED


def sys_fsync(st, t, file):
    """fs/sync.c vfs_fsync_range(), v6.12: 0, once all that was dirty is on the disk. shmem has
    none (noop_fsync()), and memfd_secret()'s files have no fsync()."""
    if st.file[file].kind == FILE_SECRET:
        return -EINVAL
    if st.file[file].kind == FILE_REGULAR:
        for index in range(NR_FILE_PAGES):
            pfn = filemap_get_folio(st, file, index)
            if pfn >= 0:
                yield from write_cache_page(st, t, file, index, pfn)
    return 0


def write_cache_page(st, t, file, index, pfn):
    """mm/page-writeback.c writeback_iter(), v6.12, of one page whose reference the caller hands
    over. What another task is writing is waited for."""
    yield from folio_lock(st, t, pfn)
    yield from folio_wait_writeback(st, t, pfn)
    written = 0
    if folio_is_page_of(st, pfn, file) and st.folio[pfn].pg_flags & PG_DIRTY:
        written = yield from folio_clear_dirty_for_io(st, t, pfn)
    if written:
        st.folio[pfn].pg_flags |= PG_WRITEBACK
    folio_unlock(st, pfn)
    if written:
        yield "under writeback, not on the disk yet"
        write_to_disk(st, file, index, pfn)
        st.folio[pfn].pg_flags &= ~PG_WRITEBACK
    folio_put(st, pfn)


def folio_clear_dirty_for_io(st, t, pfn):
    """mm/page-writeback.c folio_clear_dirty_for_io(), v6.12: whether the page is to be written. The
    page tables are cleaned first: who dirties the page from here on takes a fault, and finds the
    folio locked. Locks: folio lock held."""
    cleaned = yield from folio_mkclean(st, t, pfn)
    if cleaned:
        folio_mark_dirty(st, pfn)
    yield "page tables clean, folio still dirty"
    if not st.folio[pfn].pg_flags & PG_DIRTY:
        return 0
    st.folio[pfn].pg_flags &= ~PG_DIRTY
    return 1


def write_to_disk(st, file, index, pfn):
    """The disk has what the page holds now."""
    for cell in range(CELLS):
        st.file[file].page[index].disk[cell] = st.page[pfn].cell[cell]
