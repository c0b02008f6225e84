"""vmsplice() and splice() to a pipe, and reading it. Models fs/splice.c and fs/pipe.c.

A pipe buffer holds a FOLL_GET reference to the user's page for as long as nobody reads it, in
every release.
"""

from pagefault.consts import (
    BLOCKED,
    BUG_UNLOCK,
    EFAULT,
    EINVAL,
    ENOENT,
    FILE_REGULAR,
    FILE_SHMEM,
    FOLL_GET,
    NR_PIPE_BUFS,
    WAITING,
    ZERO_PFN,
)
from pagefault.hw.choice import VM_BUG_ON
from pagefault.hw.direct_map import kernel_read
from pagefault.hw.monitor import observe_dangling, observe_read
from pagefault.mm.filemap import __filemap_get_folio
from pagefault.mm.gup import gup_fast_fallback
from pagefault.mm.page_alloc import folio_put


def pipe_lock(st, t, pipe):
    """fs/pipe.c pipe_lock(), v6.12."""
    yield "pipe lock"
    while st.pipe[pipe].mutex:
        yield BLOCKED
    st.pipe[pipe].mutex = t + 1


def pipe_unlock(st, pipe):
    VM_BUG_ON(st, not st.pipe[pipe].mutex, BUG_UNLOCK)
    st.pipe[pipe].mutex = 0


def wait_for_space(st, t, pipe):
    """fs/splice.c wait_for_space(), v6.12: with the pipe lock, that sleeping lets go of."""
    yield from pipe_lock(st, t, pipe)
    while st.pipe[pipe].buf[st.pipe[pipe].head].in_use:
        pipe_unlock(st, pipe)
        yield "pipe full"
        while st.pipe[pipe].mutex or st.pipe[pipe].buf[st.pipe[pipe].head].in_use:
            yield WAITING
        st.pipe[pipe].mutex = t + 1


def sys_vmsplice(st, t, vpn, pipe):
    """fs/splice.c vmsplice_to_pipe(), v6.12, of one page: 0 or -EFAULT. Waits for room, and takes
    the reference with the pipe locked."""
    yield from wait_for_space(st, t, pipe)
    pfn = yield from gup_fast_fallback(st, t, st.task[t].mm, vpn, FOLL_GET)
    if pfn >= 0:
        add_to_pipe(st, pipe, pfn, st.task[t].mm)
    pipe_unlock(st, pipe)
    if pfn < 0:
        return -EFAULT
    return 0


def splice_reads_file(st, file):
    """fs/splice.c do_splice_read(), v6.12: whether the file has a ->splice_read(). Those of
    memfd_secret() and of most drivers have not. Left out: sockets."""
    return st.file[file].kind in (FILE_REGULAR, FILE_SHMEM)


def sys_splice(st, t, file, index, cell, pipe):
    """fs/splice.c splice_file_to_pipe(), v6.12, of one page: 0, -EINVAL for a file that cannot, or
    -ENOENT beyond its end. Waits for room first."""
    yield from wait_for_space(st, t, pipe)
    pfn = -EINVAL
    if splice_reads_file(st, file):
        pfn = yield from filemap_splice_read(st, t, file, index)
    if pfn >= 0:
        add_to_pipe(st, pipe, pfn, st.task[t].mm)
    pipe_unlock(st, pipe)
    if pfn < 0:
        return pfn
    return 0


def shmem_splices_holes(st):
    """mm/shmem.c shmem_file_splice_read(), v6.12: whether a hole is given away as the zero page,
    and stays a hole."""
    return 1


def filemap_splice_read(st, t, file, index):
    """mm/filemap.c filemap_splice_read(), v6.12: the page of the page cache, with a reference.
    shmem has the zero page where it has none (mm/shmem.c shmem_file_splice_read())."""
    if index >= st.file[file].nr_pages:
        return -ENOENT
    yield "i_size read, page cache not looked at"
    is_hole = st.file[file].page[index].pfn == 0
    if is_hole and st.file[file].kind == FILE_SHMEM and shmem_splices_holes(st):
        return ZERO_PFN
    pfn = yield from __filemap_get_folio(st, t, file, index)
    yield "folio found, i_size not looked at again"
    if index < st.file[file].nr_pages:
        return pfn
    folio_put(st, pfn)
    return -ENOENT


def add_to_pipe(st, pipe, pfn, giver):
    """fs/splice.c add_to_pipe(), v6.12."""
    head = st.pipe[pipe].head
    st.pipe[pipe].buf[head].in_use = 1
    st.pipe[pipe].buf[head].pfn = pfn
    st.pipe[pipe].buf[head].giver = giver
    st.pipe[pipe].head = (head + 1) % NR_PIPE_BUFS


def sys_read(st, t, pipe, cell):
    """fs/pipe.c pipe_read(), v6.12, of one buffer: what its page holds at `cell`; the reference is
    dropped. Waits for data."""
    yield from pipe_lock(st, t, pipe)
    while not st.pipe[pipe].buf[st.pipe[pipe].tail].in_use:
        pipe_unlock(st, pipe)
        yield "pipe empty"
        while st.pipe[pipe].mutex or not st.pipe[pipe].buf[st.pipe[pipe].tail].in_use:
            yield WAITING
        st.pipe[pipe].mutex = t + 1
    value = take_from_pipe(st, pipe, cell)
    pipe_unlock(st, pipe)
    return value


def take_from_pipe(st, pipe, cell):
    """fs/pipe.c pipe_buf_confirm() to pipe_buf_release(), v6.12. The giver gave the page away, so
    its own data may be read by anyone."""
    buf = st.pipe[pipe].buf[st.pipe[pipe].tail]
    pfn = buf.pfn
    observe_dangling(st, buf.dangling)
    observe_read(st, buf.giver, pfn, cell)
    value = kernel_read(st, pfn, cell)
    buf.in_use = 0
    buf.pfn = 0
    buf.giver = 0
    buf.dangling = 0
    st.pipe[pipe].tail = (st.pipe[pipe].tail + 1) % NR_PIPE_BUFS
    folio_put(st, pfn)
    return value
