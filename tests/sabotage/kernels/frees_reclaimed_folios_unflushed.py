"""Reclaim frees folios and forgets the flush that it has put off."""


def try_to_unmap_flush(st, t):
    st.task[t].reclaim.cpus = 0
    st.task[t].reclaim.writable = 0
    if 0:
        yield "never"
