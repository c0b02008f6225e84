"""vmsplice() to a pipe and reading it. Models fs/splice.c and fs/pipe.c.

A pipe buffer holds a FOLL_GET reference to the user's page for as long as nobody reads it, in
every release.
"""

from pagefault.consts import EFAULT, FOLL_GET, NR_PIPE_BUFS, WAITING
from pagefault.hw.monitor import observe_dangling, observe_read
from pagefault.mm.gup import gup_fast_fallback
from pagefault.mm.page_alloc import folio_put


def sys_vmsplice(st, t, vpn, pipe):
    """fs/splice.c vmsplice_to_pipe(), v6.12, of one page: 0 or -EFAULT. Waits for room."""
    while st.pipe[pipe].buf[st.pipe[pipe].head].in_use:
        yield WAITING
    pfn = yield from gup_fast_fallback(st, t, st.task[t].mm, vpn, FOLL_GET)
    if pfn < 0:
        return -EFAULT
    yield "reference taken, not in the pipe yet"
    while st.pipe[pipe].buf[st.pipe[pipe].head].in_use:
        yield WAITING
    add_to_pipe(st, pipe, pfn, st.task[t].mm)
    return 0


def add_to_pipe(st, pipe, pfn, giver):
    """fs/splice.c add_to_pipe(), v6.12."""
    head = st.pipe[pipe].head
    st.pipe[pipe].buf[head].in_use = 1
    st.pipe[pipe].buf[head].pfn = pfn
    st.pipe[pipe].buf[head].giver = giver
    st.pipe[pipe].head = (head + 1) % NR_PIPE_BUFS


def sys_read(st, t, pipe, cell):
    """fs/pipe.c pipe_read(), v6.12, of one buffer: what its page holds at `cell`; the reference is
    dropped. Waits for data. The giver gave the page away, so its own data may be read by anyone."""
    while not st.pipe[pipe].buf[st.pipe[pipe].tail].in_use:
        yield WAITING
    tail = st.pipe[pipe].tail
    pfn = st.pipe[pipe].buf[tail].pfn
    observe_dangling(st, st.pipe[pipe].buf[tail].dangling)
    observe_read(st, st.pipe[pipe].buf[tail].giver, pfn, cell)
    value = st.page[pfn].cell[cell]
    st.pipe[pipe].buf[tail].in_use = 0
    st.pipe[pipe].buf[tail].pfn = 0
    st.pipe[pipe].buf[tail].giver = 0
    st.pipe[pipe].buf[tail].dangling = 0
    st.pipe[pipe].tail = (tail + 1) % NR_PIPE_BUFS
    folio_put(st, pfn)
    return value
