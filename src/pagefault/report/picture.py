"""What of a state a reader wants to see, in words: counts, PTEs, stale TLB entries, pins, pipes,
entries of devices.

A picture maps a subject to what holds of it: "folio 1" to "ref 1025 map 1 pin 1 AE", "P:A" to
"folio 1 r". Two pictures are compared to say what a step changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pagefault.consts import (
    CELLS,
    GUP_PIN_COUNTING_BIAS,
    NR_CPUS,
    NR_PFN,
    NR_PIPE_BUFS,
    NR_SWAP,
    PAGE_MIGRATION,
    PAGE_PRESENT,
    PAGE_PROTNONE,
    PAGE_RW,
    PAGE_SWAP,
    PAGE_SWP_EXCLUSIVE,
    PFN_SHIFT,
    PIN_DROPPED,
    PIN_DROPPING,
    PIN_HELD,
    ZERO_PFN,
)
from pagefault.explore.condition import signal_name
from pagefault.explore.lower import address_spaces
from pagefault.hw.pgtable import ptep_get
from pagefault.lang.program import Program
from pagefault.layout import new_state

__all__ = ["Picture", "Pictures"]

Picture = dict[str, str]


class Pictures:
    """Draws the states of one program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._st = new_state()
        owners: dict[int, str] = {}
        for name, mm in address_spaces(program).items():
            if mm is not None:
                owners.setdefault(mm, name)
        self._owners = owners

    def draw(self, leaves: Sequence[int]) -> Picture:
        """The picture of a state, given as a flat list."""
        self._st.leaves[:] = leaves
        return dict(self._lines(self._st))

    def _lines(self, st: Any) -> Iterator[tuple[str, str]]:
        program = self._program
        for mm, owner in self._owners.items():
            for vpn, page in enumerate(program.pages):
                pte = ptep_get(st, mm, vpn)
                if pte:
                    yield f"{owner}:{page}", _entry(pte)
        for cpu in range(NR_CPUS):
            mm = st.cpu[cpu].loaded_mm - 1
            for vpn, page in enumerate(program.pages):
                entry = st.cpu[cpu].tlb[vpn]
                if mm in self._owners and _grants_more(entry, ptep_get(st, mm, vpn)):
                    yield f"CPU {cpu} TLB {self._owners[mm]}:{page}", _entry(entry) + ", stale"
        for i, name in enumerate(program.pins):
            pin = st.pin[i]
            if pin.state in (PIN_HELD, PIN_DROPPING):
                yield name, f"holds folio {pin.pfn}"
            elif pin.state == PIN_DROPPED:
                yield name, "dropped"
        for i, name in enumerate(program.pipes):
            held = [st.pipe[i].buf[b].pfn for b in range(NR_PIPE_BUFS) if st.pipe[i].buf[b].in_use]
            if held:
                yield name, "holds " + ", ".join(f"folio {pfn}" for pfn in held)
        for i, name in enumerate(program.mirrors):
            for vpn, page in enumerate(program.pages):
                if st.secondary[i].spte[vpn]:
                    yield f"{name}:{page}", _entry(st.secondary[i].spte[vpn])
        for pfn in range(NR_PFN):
            yield from _folio(st, pfn)
        for slot in range(NR_SWAP):
            yield from _slot(st, slot)
        for t, task in enumerate(program.tasks):
            if st.task[t].signal:
                yield f"{task.name} signal", signal_name(st.task[t].signal)


def _entry(pte: int) -> str:
    pfn = pte >> PFN_SHIFT
    if pte & PAGE_SWAP:
        return f"slot {pfn}{', exclusive' if pte & PAGE_SWP_EXCLUSIVE else ''}"
    place = "zero page" if pfn == ZERO_PFN else f"folio {pfn}"
    if pte & PAGE_MIGRATION:
        return f"{place}, migrating"
    if pte & PAGE_PROTNONE and not pte & PAGE_PRESENT:
        return f"{place}, no access"
    if not pte & PAGE_PRESENT:
        return f"not present ({pte & ((1 << PFN_SHIFT) - 1):#x})"
    return f"{place} {'rw' if pte & PAGE_RW else 'r'}"


def _grants_more(entry: int, pte: int) -> bool:
    """A cached entry lets the CPU do what the page table does not allow."""
    if not entry & PAGE_PRESENT:
        return False
    if not pte & PAGE_PRESENT or entry >> PFN_SHIFT != pte >> PFN_SHIFT:
        return True
    return bool(entry & PAGE_RW and not pte & PAGE_RW)


def _folio(st: Any, pfn: int) -> Iterator[tuple[str, str]]:
    folio = st.folio[pfn]
    if pfn == ZERO_PFN or folio.refcount == 0:
        return
    pages = range(pfn, pfn + (1 << folio.order))
    mapcount = folio.large_mapcount if folio.order else st.page[pfn].mapcount
    pins = folio.pincount if folio.order else folio.refcount // GUP_PIN_COUNTING_BIAS
    text = f"ref {folio.refcount} map {mapcount}"
    if pins:
        text += f" pin {pins}"
    if any(st.page[p].anon_exclusive for p in pages):
        text += " AE"
    if folio.swap:
        text += f" in the swap cache of slot {folio.swap - 1}"
    yield f"folio {pfn}", text
    for p in pages:
        cells = [st.page[p].cell[i] for i in range(CELLS)]
        if any(cells):
            yield f"folio {p} data", " ".join(map(str, cells))


def _slot(st: Any, number: int) -> Iterator[tuple[str, str]]:
    slot = st.swap[number]
    if slot.count or slot.pfn or slot.claimed:
        yield f"slot {number}", f"count {slot.count}{', claimed' if slot.claimed else ''}"
        cells = [slot.cell[i] for i in range(CELLS)]
        if any(cells):
            yield f"slot {number} data", " ".join(map(str, cells))
