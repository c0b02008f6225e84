"""A device that reads and writes memory through a pin. It has no TLB of the CPU's and no faults:
it reaches the folio that GUP handed out, wherever the page tables point by now.
"""

from pagefault.consts import (
    EACCES,
    EFAULT,
    EINVAL,
    FOLL_WRITE,
    PIN_FAILED,
    PIN_FREE,
    PIN_HELD,
    PIN_TAKING,
    WAITING,
)
from pagefault.hw.direct_map import bus_read
from pagefault.hw.monitor import observe_dangling, observe_read, owe_by_reference, write_cell


def pin_settled(st, pin):
    """GUP has handed out the page, or failed to."""
    return st.pin[pin].state not in (PIN_FREE, PIN_TAKING)


def dma_read(st, t, pin, cell):
    """DMA from memory: what the device sees, -EFAULT if the pin failed, -EINVAL once dropped."""
    while not pin_settled(st, pin):
        yield WAITING
    if st.pin[pin].state != PIN_HELD:
        return dma_error(st, pin)
    observe_dangling(st, st.pin[pin].dangling)
    observe_read(st, st.pin[pin].mm, st.pin[pin].pfn, cell)
    return bus_read(st, st.pin[pin].pfn, cell)


def dma_write(st, t, pin, cell, value):
    """DMA to memory: 0, -EFAULT if the pin failed, -EINVAL once dropped.

    -EACCES through a reference for reading, as an IOMMU answers: the page need not be the owner's
    alone, and may be the zero page.
    """
    while not pin_settled(st, pin):
        yield WAITING
    if st.pin[pin].state != PIN_HELD:
        return dma_error(st, pin)
    if not st.pin[pin].gup_flags & FOLL_WRITE:
        return -EACCES
    observe_dangling(st, st.pin[pin].dangling)
    mm = st.pin[pin].mm
    pfn = st.pin[pin].pfn
    write_cell(st, mm, pfn, cell, value)
    owe_by_reference(st, mm, st.pin[pin].vpn, pfn, cell, value, st.pin[pin].unmapped)
    return 0


def dma_error(st, pin):
    if st.pin[pin].state == PIN_FAILED:
        return -EFAULT
    return -EINVAL
