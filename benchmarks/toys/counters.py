"""Six counters, each from 0 to 9: what a device does is to count.

A design for pagefault's linker, so that the toy runs on the search core as a kernel does.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

LAST = 9


def dma_write(st, t, pin, cell, value):
    """One step is one increment; the counter stands in the task's own record."""
    while True:
        st.task[t].private[0] += 1
        if st.task[t].private[0] == LAST:
            return 0
        yield "one more"
