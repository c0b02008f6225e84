"""Kernel code that uses user pages in sections: user_map_setup(), _enter(), _leave(). Not in Linux.

Jason Gunthorpe's sketch of 11 January 2021 for io_uring, vhost and the like: set up once; around
each use enter, which gives a page that stays the right one, and leave. What is here pins the page
for the section and neither waits nor looks again, as drivers do today; the parts user-map-... are
the ways to do better. A section is also a job of a GPU, and leaving it the signal of its fence.

A mirror has one section at a time, and more wait until the program leaves it (`in_progress`).
`private[0]` is the page + 1 of the section; `fence` and `private[1]` are for the designs.
"""

from pagefault.consts import (
    EFAULT,
    EINVAL,
    FOLL_PIN,
    FOLL_REMOTE,
    FOLL_SLOW,
    FOLL_WRITE,
    MIRROR_FREE,
    MIRROR_LIVE,
    MIRROR_USER_MAP,
    NO_MM,
    PAGE_DANGLING,
    WAITING,
)
from pagefault.hw.direct_map import kernel_read
from pagefault.hw.monitor import observe_dangling, observe_read, owe_where_mapped, write_cell
from pagefault.hw.pgtable import pte_pfn
from pagefault.mm.exit import mmget_not_zero, mmput
from pagefault.mm.gup import gup_fast_fallback
from pagefault.mm.notifier_ops import set_spte, zap_sptes


def user_map_gup(st, t, s, vpn, gup_flags):
    """GUP for a section, which may always write: the pfn, or -EFAULT."""
    gup_flags |= FOLL_WRITE
    if st.task[t].mm == NO_MM:
        gup_flags |= FOLL_SLOW | FOLL_REMOTE
    return (yield from gup_fast_fallback(st, t, st.secondary[s].mm, vpn, gup_flags))


def user_map_take(st, t, s, vpn):
    """Get the page of a section: 0 with an entry for it, or -EFAULT."""
    pfn = yield from user_map_gup(st, t, s, vpn, FOLL_PIN)
    if pfn < 0:
        return -EFAULT
    set_spte(st, s, vpn, pfn, 1, 1)
    return 0


def user_map_drop(st, t, s, vpn):
    """Let go of the page of a section: 0, or -EAGAIN if it was not the right one all the time."""
    yield "section used, page still pinned"
    zap_sptes(st, s, vpn, vpn + 1)
    return 0


def user_map_put(st, t, s, vpn):
    """What the completion of O_DIRECT does: put the page, from an interrupt, and call nobody."""
    yield "transfer done, page not put"
    zap_sptes(st, s, vpn, vpn + 1)


def user_map_enter(st, t, s, vpn):
    """0 with a page to use, -EFAULT, or -EINVAL if the address space is gone."""
    yield "section not entered"
    while st.secondary[s].in_progress:
        yield WAITING
    mm = st.secondary[s].mm
    if st.secondary[s].in_use != MIRROR_LIVE or not mmget_not_zero(st, mm):
        return -EINVAL
    st.secondary[s].in_progress = 1
    ret = yield from user_map_take(st, t, s, vpn)
    if ret < 0:
        st.secondary[s].in_progress = 0
    else:
        st.secondary[s].private[0] = vpn + 1
    yield from mmput(st, t, mm)
    return ret


def user_map_leave(st, t, s):
    """0, -EAGAIN if what was done must be done again, or -EINVAL outside of a section."""
    if st.secondary[s].private[0] == 0:
        return -EINVAL
    vpn = st.secondary[s].private[0] - 1
    st.secondary[s].private[0] = 0
    ret = yield from user_map_drop(st, t, s, vpn)
    st.secondary[s].in_progress = 0
    return ret


# --- use within a section ------------------------------------------------------------------------


def section_load(st, s, vpn, cell):
    """The value, or -EINVAL if the mirror is gone with its entries."""
    spte = st.secondary[s].spte[vpn]
    if spte == 0:
        return -EINVAL
    observe_dangling(st, spte & PAGE_DANGLING)
    observe_read(st, st.secondary[s].mm, pte_pfn(spte), cell)
    return kernel_read(st, pte_pfn(spte), cell)


def section_store(st, s, vpn, cell, value):
    """0 or -EINVAL. Nothing is owed to the address until the section has been left well."""
    spte = st.secondary[s].spte[vpn]
    if spte == 0:
        return -EINVAL
    observe_dangling(st, spte & PAGE_DANGLING)
    write_cell(st, st.secondary[s].mm, pte_pfn(spte), cell, value)
    owe_where_mapped(st, st.secondary[s].mm, pte_pfn(spte), cell, value)
    return 0


def inside(st, s, vpn):
    """A section on this page has been entered."""
    return st.secondary[s].private[0] == vpn + 1


def user_map_read(st, t, s, vpn, cell):
    """A load within the section, or in one of its own, which is done again if it must be."""
    if inside(st, s, vpn):
        return section_load(st, s, vpn, cell)
    while True:
        ret = yield from user_map_enter(st, t, s, vpn)
        if ret < 0:
            return ret
        yield "section entered"
        value = section_load(st, s, vpn, cell)
        ret = yield from user_map_leave(st, t, s)
        if ret == 0:
            return value
        yield "section to be done again"


def user_map_write(st, t, s, vpn, cell, value):
    """A store within the section, or in one of its own, which is done again if it must be."""
    if inside(st, s, vpn):
        return section_store(st, s, vpn, cell, value)
    while True:
        ret = yield from user_map_enter(st, t, s, vpn)
        if ret < 0:
            return ret
        yield "section entered"
        value_ret = section_store(st, s, vpn, cell, value)
        ret = yield from user_map_leave(st, t, s)
        if ret == 0:
            return value_ret
        yield "section to be done again"


# --- what a program sees -------------------------------------------------------------------------


def sys_enter(st, t, s, vpn):
    """user_map_enter(): 0, -EFAULT or -EINVAL."""
    while st.secondary[s].in_use == MIRROR_FREE:
        yield WAITING
    if st.secondary[s].kind != MIRROR_USER_MAP:
        return -EINVAL
    return (yield from user_map_enter(st, t, s, vpn))


def sys_leave(st, t, s, put):
    """user_map_leave(), or only the put of the page: 0, -EAGAIN or -EINVAL."""
    while st.secondary[s].in_use == MIRROR_FREE:
        yield WAITING
    if not put:
        return (yield from user_map_leave(st, t, s))
    if st.secondary[s].private[0] == 0:
        return -EINVAL
    yield from user_map_put(st, t, s, st.secondary[s].private[0] - 1)
    return 0
