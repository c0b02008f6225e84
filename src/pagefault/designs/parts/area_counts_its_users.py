"""An allocation of vmalloc has one count: its owner, and each VMA that maps it; the last one
frees.

Matthew Wilcox on linux-mm, 6 December 2024: option 3 has it in vm_struct, option 4 in an object of
its own (scamem) that vm_struct points to. It counts VMAs by their callbacks, not PTEs: nobody needs
to tell a mapping from a pin.
"""

from pagefault.consts import NR_PIPE_BUFS, PIN_HELD, PROP_COUNTS, VMA_AREA_SHIFT
from pagefault.hw.monitor import break_promise
from pagefault.mm.driver import starts_driver_vma
from pagefault.mm.vmalloc import area_owners, free_area_pages, remove_vm_area


def _put(st, v):
    st.vmalloc[v].refcount -= 1
    if st.vmalloc[v].refcount < 0:
        break_promise(st, PROP_COUNTS)
        st.vmalloc[v].refcount = 0
    elif st.vmalloc[v].refcount == 0:
        if st.vmalloc[v].in_use:
            remove_vm_area(st, v)
        free_area_pages(st, v)


def first_reference():
    return 1


def area_open(st, v):
    st.vmalloc[v].refcount += 1


def area_close(st, v):
    _put(st, v)


def drop_area(st, v):
    _put(st, v)


def _users(st, v):
    users = area_owners(st, v)
    for mm in range(st.nr_mms):
        for vpn in range(st.nr_vpns):
            if starts_driver_vma(st, mm, vpn):
                if st.mm[mm].vma[vpn].private >> VMA_AREA_SHIFT == v + 1:
                    users += 1
    return users


def _has(st, v, pfn):
    for i in range(st.vmalloc[v].nr_pages):
        if st.vmalloc[v].pfn[i] == pfn:
            return 1
    return 0


def _is_pinned(st, v):
    for pin in range(st.nr_pins):
        if st.pin[pin].state == PIN_HELD and _has(st, v, st.pin[pin].pfn):
            return 1
    for pipe in range(st.nr_pipes):
        for i in range(NR_PIPE_BUFS):
            if st.pipe[pipe].buf[i].in_use and _has(st, v, st.pipe[pipe].buf[i].pfn):
                return 1
    return 0


def area_counts_its_users(st, v):
    return st.vmalloc[v].refcount >= _users(st, v)


def area_is_leaked(st, v):
    return st.vmalloc[v].refcount != _users(st, v) and not _is_pinned(st, v)
