"""The sub-model as a Python successor function: the reference for the other peers, and the model
that minicheck runs.

A state is a tuple of small integers. pagefault numbers the folios; here each goes by its owner,
of which it has exactly one, so that no renumbering is needed:

    NONE, ZERO     no page; the zero page
    MAPPED         the folio that the PTE maps
    GATHER + t     the folio that task t has zapped and not freed yet
    NEW + t        the folio that task t has allocated and not mapped yet
    FREE + t       a freed folio that a fault still compares with; t is the first task that does

Which of these can be where: the PTE is NONE, ZERO or MAPPED; a TLB entry may be GATHER as well;
the PTE that a fault has read (`aux` at PRESENT) may be anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from benchmarks.zap.program import Kind, Zap

__all__ = ["Places", "State", "ZapModel"]

State = tuple[int, ...]

NONE, ZERO, MAPPED, GATHER = 0, 1, 2, 3


class Places(IntEnum):
    """Where a task stands within a statement."""

    START = 0  # at the statement, or waiting to be started
    MMAP = 1  # mmap: mmap_lock for writing
    FAULT = 2  # fault: mmap_lock for reading
    ANON = 3  # fault on no entry: PTL
    PRESENT = 4  # fault on an entry, which is in aux: PTL
    COPY = 5  # fault on the zero page: about to copy
    COPY_PTL = 6  # copied: PTL
    CLEARED = 7  # copied, PTE cleared, PTL held: about to flush
    COPY_IPI = 8  # the same: flush IPI to CPU aux // 2
    AGAIN = 9  # back from the fault: the access again
    MADVISE = 10  # dontneed: mmap_lock for reading
    ZAP = 11  # dontneed: PTL
    FLUSH = 12  # dontneed, zapped: about to flush; aux % 2: all pages, not just this one
    IPI = 13  # the same: flush IPI to CPU aux // 2


P = Places
PLACES = 16
"""A task's position is statement * PLACES + place."""

FIELDS = ("pte", "cell", "owed", "zapping", "table", "anon", "ptl", "started")
TASK_FIELDS = ("at", "r0", "aux", "gather", "tlb", "revoked")


class ZapModel:
    """The states and steps of a program.

    Fields of the machine: the PTE; the cell of the mapped folio; ghost: what the next load must
    see; calls of madvise under way (tlb_flush_pending and the ghost letting_go are both that);
    whether there is a page table and an anon_vma; PTL held across a switch; who has started.
    Of a task: its position; its register; what it has at hand; the cell + 1 of the folio that it
    has zapped; the TLB of its CPU; ghost: the calls that must have that entry flushed by their end.
    """

    def __init__(self, program: Zap) -> None:
        self.program = program
        self.n = len(program.tasks)
        self.new = GATHER + self.n
        self.free = self.new + self.n
        self.fields = (*FIELDS, *(f"{f}{t}" for t in range(self.n) for f in TASK_FIELDS))
        self.initial: State = (0,) * 7 + (1,) + (0,) * (len(TASK_FIELDS) * self.n)

    def successors(self, state: State) -> Iterator[State]:
        """The states that one step of one task leads to, with repetitions."""
        for t in range(self.n):
            yield from _Trial(self, state, t).steps()


class _Trial:
    """One task's steps from one state."""

    def __init__(self, model: ZapModel, state: State, t: int) -> None:
        self.model = model
        self.state = state
        self.t = t
        self.load(state)

    def load(self, s: State) -> None:
        self.pte, self.cell, self.owed, self.zapping = s[:4]
        self.table, self.anon, self.ptl, self.started = s[4:8]
        self.at = list(s[8::6])
        self.r0 = list(s[9::6])
        self.aux = list(s[10::6])
        self.gather = list(s[11::6])
        self.tlb = list(s[12::6])
        self.revoked = list(s[13::6])

    def done(self) -> State:
        head = (
            *(self.pte, self.cell, self.owed, self.zapping),
            *(self.table, self.anon, self.ptl, self.started),
        )
        rows = zip(self.at, self.r0, self.aux, self.gather, self.tlb, self.revoked, strict=True)
        return head + tuple(value for row in rows for value in row)

    # --- helpers, named as the kernel's or the model's ------------------------------------------

    def go(self, place: Places) -> None:
        self.at[self.t] = self.at[self.t] // PLACES * PLACES + place

    def finish(self) -> None:
        self.at[self.t] = (self.at[self.t] // PLACES + 1) * PLACES

    def rename(self, old: int, new: int) -> None:
        for u in range(self.model.n):
            if self.tlb[u] == old:
                self.tlb[u] = new
            if self.at[u] % PLACES == P.PRESENT and self.aux[u] == old:
                self.aux[u] = new

    def comparing(self, name: int) -> list[int]:
        return [
            u
            for u in range(self.model.n)
            if self.at[u] % PLACES == P.PRESENT and self.aux[u] == name
        ]

    def folio_alloc(self) -> None:
        for u in range(self.model.n):
            if self.comparing(self.model.free + u):
                self.rename(self.model.free + u, self.model.new + self.t)
                return

    def folio_put(self, name: int) -> None:
        comparing = self.comparing(name)
        if comparing:
            self.rename(name, self.model.free + comparing[0])

    def map_new(self) -> None:
        self.rename(self.model.new + self.t, MAPPED)
        self.pte, self.cell = MAPPED, 0

    def tlb_drop(self, cpu: int) -> None:
        self.tlb[cpu] = 0
        self.revoked[cpu] = 0

    # --- the steps ------------------------------------------------------------------------------

    def steps(self) -> Iterator[State]:
        i, place = divmod(self.at[self.t], PLACES)
        statements = self.model.program.tasks[self.t]
        if i == len(statements) or not self.started >> self.t & 1:
            return
        kind = statements[i].kind
        if place == P.START and kind in (Kind.MMAP, Kind.CLONE, Kind.DONTNEED):
            if kind is Kind.MMAP:
                self.go(P.MMAP)
            elif kind is Kind.DONTNEED:
                self.go(P.MADVISE)
            else:
                self.started |= 1 << statements[i].arg
                self.finish()
            yield self.done()
        elif place in (P.START, P.AGAIN):
            yield from self.access(kind is Kind.STORE, statements[i].arg)
        elif place in (P.ANON, P.PRESENT, P.COPY_PTL, P.ZAP) and self.ptl:
            return
        else:
            _STEPS[Places(place)](self, kind is Kind.STORE)
            yield self.done()

    def access(self, write: bool, value: int) -> Iterator[State]:
        t = self.t
        entry = self.tlb[t]
        permits = entry >= (MAPPED if write else ZERO)
        if permits:
            self.touch(entry, write, value)
            yield self.done()
            self.load(self.state)
        if not permits or entry != self.pte:
            self.tlb_drop(t)
            if self.pte >= (MAPPED if write else ZERO):
                self.tlb[t] = self.pte
                self.touch(self.pte, write, value)
            else:
                self.go(P.FAULT)
            yield self.done()

    def touch(self, entry: int, write: bool, value: int) -> None:
        if write:
            if entry == MAPPED:
                self.cell = value
            else:
                self.gather[entry - GATHER] = value + 1
            if not self.zapping:
                self.owed = value
        else:
            if entry == ZERO:
                seen = 0
            elif entry == MAPPED:
                seen = self.cell
            else:
                seen = self.gather[entry - GATHER] - 1
            assert self.owed in (0, seen), "no-lost-write"
            self.r0[self.t] = seen
        self.finish()

    def mmap(self, _write: bool) -> None:
        self.finish()

    def fault(self, write: bool) -> None:
        if self.pte != NONE:
            self.aux[self.t] = self.pte
            self.go(P.PRESENT)
            return
        self.table = 1
        if write:
            self.anon = 1
            self.folio_alloc()
        self.go(P.ANON)

    def anonymous(self, write: bool) -> None:
        if write and self.pte == NONE:
            self.map_new()
        elif write:
            self.folio_put(self.model.new + self.t)
        elif self.pte == NONE:
            self.pte = ZERO
        self.go(P.AGAIN)

    def present(self, write: bool) -> None:
        t = self.t
        orig = self.aux[t]
        self.aux[t] = 0
        if write and orig == ZERO and self.pte == ZERO:
            self.go(P.COPY)
            return
        self.go(P.AGAIN)
        if orig == self.model.free + t:
            self.folio_put(orig)

    def copy(self, _write: bool) -> None:
        self.anon = 1
        self.folio_alloc()
        self.go(P.COPY_PTL)

    def copy_ptl(self, _write: bool) -> None:
        if self.pte == ZERO:
            self.pte = NONE
            self.ptl = 1
            self.go(P.CLEARED)
        else:
            self.folio_put(self.model.new + self.t)
            self.go(P.AGAIN)

    def flush(self, first: int, waiting: Places) -> bool:
        """Send the next IPI from CPU `first` on; false if there is none to send."""
        for cpu in range(first, self.model.n):
            if cpu != self.t and self.tlb[cpu]:
                self.aux[self.t] = cpu * 2 + self.aux[self.t] % 2
                self.go(waiting)
                return True
        self.aux[self.t] = 0
        return False

    def cleared(self, _write: bool) -> None:
        self.tlb_drop(self.t)
        self.copied(0)

    def copy_ipi(self, _write: bool) -> None:
        self.tlb_drop(self.aux[self.t] // 2)
        self.copied(self.aux[self.t] // 2 + 1)

    def copied(self, first: int) -> None:
        if not self.flush(first, P.COPY_IPI):
            self.map_new()
            self.ptl = 0
            self.go(P.AGAIN)

    def madvise(self, _write: bool) -> None:
        self.owed = 0
        self.zapping += 1
        if self.table:
            self.go(P.ZAP)
        else:
            self.finish_mmu(False)

    def zap(self, _write: bool) -> None:
        for cpu in range(self.model.n):
            if self.tlb[cpu]:
                self.revoked[cpu] |= 1 << self.t
        if self.pte == MAPPED:
            self.gather[self.t] = self.cell + 1
            self.rename(MAPPED, GATHER + self.t)
        zapped = self.pte != NONE
        self.pte, self.cell = NONE, 0
        self.finish_mmu(zapped)

    def finish_mmu(self, zapped: bool) -> None:
        if zapped or self.zapping > 1:
            self.aux[self.t] = int(self.zapping > 1)
            self.go(P.FLUSH)
        else:
            self.gave_up()

    def flush_mmu(self, _write: bool) -> None:
        self.tlb_drop(self.t)
        self.flushed(0)

    def ipi(self, _write: bool) -> None:
        self.tlb_drop(self.aux[self.t] // 2)
        self.flushed(self.aux[self.t] // 2 + 1)

    def flushed(self, first: int) -> None:
        if not self.flush(first, P.IPI):
            if self.gather[self.t]:
                self.folio_put(GATHER + self.t)
                self.gather[self.t] = 0
            self.gave_up()

    def gave_up(self) -> None:
        self.zapping -= 1
        assert not any(mask >> self.t & 1 for mask in self.revoked), "no-stale-tlb"
        self.finish()


_STEPS = {
    P.MMAP: _Trial.mmap,
    P.FAULT: _Trial.fault,
    P.ANON: _Trial.anonymous,
    P.PRESENT: _Trial.present,
    P.COPY: _Trial.copy,
    P.COPY_PTL: _Trial.copy_ptl,
    P.CLEARED: _Trial.cleared,
    P.COPY_IPI: _Trial.copy_ipi,
    P.MADVISE: _Trial.madvise,
    P.ZAP: _Trial.zap,
    P.FLUSH: _Trial.flush_mmu,
    P.IPI: _Trial.ipi,
}
