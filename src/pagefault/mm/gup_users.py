"""Who takes user pages and keeps them: a driver that pins for DMA, and one that only references.

A pin stands for io_uring's registered buffers, RDMA or VFIO (pin_user_pages_fast()); a get for a
plain reference (get_user_pages_fast()). Who asks for what, by release: gup_users.toml.
"""

from pagefault.consts import (
    EEXIST,
    EFAULT,
    EINVAL,
    FOLL_GET,
    FOLL_LONGTERM,
    FOLL_PIN,
    FOLL_WRITE,
    PG_DIRTY,
    PIN_DROPPED,
    PIN_DROPPING,
    PIN_FAILED,
    PIN_HELD,
    PIN_TAKING,
    WAITING,
)
from pagefault.hw.device import pin_settled
from pagefault.hw.monitor import letting_go
from pagefault.mm.folio_lock import folio_lock, folio_unlock
from pagefault.mm.gup import gup_fast_fallback, gup_put_folio
from pagefault.mm.page_alloc import folio_test_anon, is_zero_pfn, page_folio


def promises_coherence(st, pfn, gup_flags):
    """Documentation/core-api/pin_user_pages.rst: FOLL_PIN keeps device and CPU on one page. A
    short pin for reading gets a snapshot of a page that is not anonymous."""
    if not gup_flags & FOLL_PIN:
        return 0
    return gup_flags & (FOLL_LONGTERM | FOLL_WRITE) != 0 or folio_test_anon(st, pfn)


def sys_pin(st, t, vpn, pin, gup_flags):
    """mm/gup.c pin_user_pages_fast(), v6.12, by a driver that keeps the page for DMA."""
    return (yield from take_user_page(st, t, vpn, pin, gup_flags | FOLL_PIN))


def sys_get(st, t, vpn, pin, gup_flags):
    """mm/gup.c get_user_pages_fast(), v6.12: a plain reference, that fork does not look for."""
    return (yield from take_user_page(st, t, vpn, pin, gup_flags | FOLL_GET))


def o_direct_reference():
    """lib/iov_iter.c iov_iter_extract_pages(), v6.12: pins (since 6.5, commit 1ccf164ec866)."""
    return FOLL_PIN


def sys_o_direct(st, t, vpn, pin, gup_flags):
    """lib/iov_iter.c iov_iter_extract_pages(), v6.12, of an O_DIRECT transfer that is under way."""
    return (yield from take_user_page(st, t, vpn, pin, gup_flags | o_direct_reference()))


def take_user_page(st, t, vpn, pin, gup_flags):
    """GUP one page of the caller and remember it as `pin`: 0, -EFAULT, or -EEXIST if in use."""
    if st.pin[pin].state in (PIN_TAKING, PIN_HELD, PIN_DROPPING):
        return -EEXIST
    st.pin[pin].state = PIN_TAKING
    st.pin[pin].mm = st.task[t].mm
    st.pin[pin].vpn = vpn
    st.pin[pin].unmapped = letting_go(st, st.task[t].mm, vpn)
    pfn = yield from gup_fast_fallback(st, t, st.task[t].mm, vpn, gup_flags)
    if pfn < 0:
        st.pin[pin].state = PIN_FAILED
        return -EFAULT
    st.pin[pin].state = PIN_HELD
    st.pin[pin].gup_flags = gup_flags
    st.pin[pin].pfn = pfn
    st.pin[pin].promises = promises_coherence(st, pfn, gup_flags)
    return 0


def sys_unpin(st, t, pin, dirty):
    """mm/gup.c unpin_user_pages_dirty_lock(), v6.12: 0, or -EINVAL if there is nothing to drop."""
    while not pin_settled(st, pin):
        yield WAITING
    if st.pin[pin].state != PIN_HELD:
        return -EINVAL
    pfn = st.pin[pin].pfn
    if dirty and not is_zero_pfn(pfn) and not st.folio[page_folio(st, pfn)].pg_flags & PG_DIRTY:
        st.pin[pin].state = PIN_DROPPING
        yield from folio_lock(st, t, pfn)
        yield "folio locked, not dirty yet"
        st.folio[page_folio(st, pfn)].pg_flags |= PG_DIRTY
        folio_unlock(st, pfn)
        yield "dirty, pin still held"
    forget_pin(st, pin)
    return 0


def forget_pin(st, pin):
    """Drop the reference and the record."""
    pfn = st.pin[pin].pfn
    st.pin[pin].state = PIN_DROPPED
    st.pin[pin].pfn = 0
    st.pin[pin].promises = 0
    gup_put_folio(st, pfn, st.pin[pin].gup_flags)
