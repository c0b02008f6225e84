"""The sub-model as Promela text. plain.py is the same in Python and explains the names.

A task is a process whose control state is the task's position, so that pan looks at the options
of that position only; each option is one d_step, hence one pagefault transition. Everything that
is known when the text is made (the task, its statement, the CPU that an IPI goes to) is unrolled.
Variables are bit fields, of which Spin has no arrays; a register lies in its process' padding.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.zap.program import Kind, Step, Zap

__all__ = ["promela"]

ZERO, MAPPED, GATHER = 1, 2, 3

_HEADER = """\
/* {name}: made by benchmarks/zap/promela.py, which explains it. */

unsigned pte : 2;  /* 0 none, 1 the zero page, 2 a folio */
unsigned cell : {value};  /* of the folio that the PTE maps */
unsigned owed : {value};  /* ghost: what the next load must see, 0 for nothing */
unsigned zapping : {count};  /* calls of madvise under way */
bit table;  /* there is a page table */
bit anon;  /* there is an anon_vma */
bit ptl;  /* held across a switch point */
unsigned started : {n};  /* mask of tasks */
/* For each task or its CPU. rev: ghost, calls that must have this CPU's entry flushed by their end.
   aux: the PTE that a fault has read, {full} for a flush of all pages. gath: cell + 1 of the folio
   that a task has zapped. */
"""


def promela(program: Zap) -> str:
    """The model of a program."""
    n = len(program.tasks)
    full = _names(n)[2] + n
    value = _most(program) + 1
    parts = [
        _HEADER.format(
            name=program.name, n=n, full=full, value=value.bit_length(), count=n.bit_length()
        )
    ]
    for name, most in (("tlb", GATHER + n - 1), ("rev", 2**n - 1), ("aux", full), ("gath", value)):
        parts += [f"unsigned {name}{t} : {most.bit_length()};" for t in range(n)]
    parts.append("")
    parts += [_Task(program, t).text() for t in range(n)]
    return "\n".join(parts)


def _most(program: Zap) -> int:
    """The largest value that a cell can have."""
    return max([1, *(s.arg for steps in program.tasks for s in steps if s.kind is Kind.STORE)])


def _names(n: int) -> tuple[int, int, int]:
    """What GATHER, NEW and FREE of task 0 are."""
    return GATHER, GATHER + n, GATHER + 2 * n


class _Task:
    def __init__(self, program: Zap, t: int) -> None:
        self.t = t
        self.n = len(program.tasks)
        self.others = [u for u in range(self.n) if u != t]
        self.steps = program.tasks[t]
        gather, new, self.free = _names(self.n)
        self.gather = gather + t
        self.new = new + t
        self.full = self.free + self.n
        self.value = (_most(program) + 1).bit_length()
        self.lines: list[str] = []
        self.i = 0

    def text(self) -> str:
        out = self.lines
        out += [f"active proctype T{self.t}()", "{"]
        if Step(Kind.LOAD) in self.steps:
            out.append(f"\tunsigned r{self.t} : {self.value};")
        for i, step in enumerate(self.steps):
            self.i = i
            self.statement(step)
        out += [f"end{len(self.steps)}:", "\t(false)", "}", ""]
        return "\n".join(out)

    # --- how a position and an option are written ------------------------------------------------

    def at(self, place: str) -> str:
        """The label of a place. A task that waits at its start may do so for ever."""
        if place == "NEXT":
            return f"end{self.i + 1}" if self.i + 1 == len(self.steps) else f"S{self.i + 1}"
        if place == "START":
            return f"S{self.i}"
        return f"S{self.i}_{place}"

    def position(self, place: str, *options: tuple[str, Sequence[str], str]) -> None:
        """A place and its options: guard, statements, place that it leads to."""
        self.lines += [f"{self.at(place)}:", "\tif"]
        for guard, statements, to in options:
            if self.t and self.i == 0 and place == "START":
                guard = _both(f"started & {1 << self.t}", guard)
            body = "; ".join([guard or "true", *statements])
            self.lines.append(f"\t:: d_step {{ {body} }}; goto {self.at(to)}")
        self.lines.append("\tfi;")

    # --- pieces ---------------------------------------------------------------------------------

    def drop(self, cpu: int) -> list[str]:
        return [f"tlb{cpu} = 0", f"rev{cpu} = 0"]

    def put(self, name: int) -> list[str]:
        """Free a folio: a fault may still compare with it."""
        text = "skip"
        for k in reversed(range(len(self.others))):
            u = self.others[k]
            later = [
                f"aux{w} = (aux{w} == {name} -> {self.free + u} : aux{w})"
                for w in self.others[k + 1 :]
            ]
            found = "; ".join([f"aux{u} = {self.free + u}", *later])
            text = f"if :: aux{u} == {name} -> {found} :: else -> {text} fi"
        return [text] if self.others else []

    def alloc(self) -> list[str]:
        """Take the first freed folio that a fault still compares with, else any."""
        text = "skip"
        for k in reversed(range(len(self.others))):
            u = self.others[k]
            later = [
                f"aux{w} = (aux{w} == {self.free + u} -> {self.new} : aux{w})"
                for w in self.others[k + 1 :]
            ]
            found = "; ".join([f"aux{u} = {self.new}", *later])
            text = f"if :: aux{u} == {self.free + u} -> {found} :: else -> {text} fi"
        return [text] if self.others else []

    def map_new(self) -> list[str]:
        return [
            f"pte = {MAPPED}",
            *(f"aux{u} = (aux{u} == {self.new} -> {MAPPED} : aux{u})" for u in self.others),
        ]

    def revoked_none(self) -> str:
        mine = " | ".join(f"rev{u}" for u in range(self.n))
        return f"assert(!(({mine}) & {1 << self.t}))"

    def flush(self, place: str, ipi: str, done: Sequence[str], to: str) -> None:
        """Positions that flush the own TLB, then by IPI those of the CPUs that hold an entry."""
        for here in (None, *self.others):
            first = self.drop(self.t if here is None else here)
            options: list[tuple[str, Sequence[str], str]] = []
            empty = ""
            for c in self.others:
                if here is None or c > here:
                    options.append((_both(empty, f"tlb{c}"), first, f"{ipi}{c}"))
                    empty = _both(empty, f"!tlb{c}")
            options.append((empty, [*first, *done], to))
            self.position(place if here is None else f"{ipi}{here}", *options)

    def gathered(self, statement: str) -> str:
        """A statement about the folio that the TLB has, which somebody has zapped."""
        tlb = f"tlb{self.t}"
        cases = (f":: {tlb} == {GATHER + u} -> {statement.format(u)}" for u in range(self.n))
        return f"if {' '.join(cases)} fi"

    # --- statements -----------------------------------------------------------------------------

    def statement(self, step: Step) -> None:
        if step.kind is Kind.MMAP:
            self.position("START", ("", [], "MMAP"))
            self.position("MMAP", ("", [], "NEXT"))
        elif step.kind is Kind.CLONE:
            self.position("START", ("", [f"started = started | {1 << step.arg}"], "NEXT"))
        elif step.kind is Kind.DONTNEED:
            self.dontneed()
        else:
            write = step.kind is Kind.STORE
            self.access("START", write, step.arg)
            self.access("AGAIN", write, step.arg)
            self.fault(write)

    def access(self, place: str, write: bool, value: int) -> None:
        t = self.t
        tlb = f"tlb{t}"
        fill = [f"{tlb} = pte", f"rev{t} = 0"]
        if write:
            owe = f"owed = (zapping -> owed : {value})"
            self.position(
                place,
                (f"{tlb} == {MAPPED}", [f"cell = {value}", owe], "NEXT"),
                (f"{tlb} > {MAPPED}", [self.gathered(f"gath{{}} = {value + 1}"), owe], "NEXT"),
                (
                    f"pte == {MAPPED} && {tlb} != {MAPPED}",
                    [*fill, f"cell = {value}", owe],
                    "NEXT",
                ),
                (f"pte != {MAPPED}", self.drop(t), "FAULT"),
            )
        else:
            see = f"assert(!owed || owed == r{t})"
            self.position(
                place,
                (f"{tlb} == {ZERO}", [f"r{t} = 0", see], "NEXT"),
                (f"{tlb} == {MAPPED}", [f"r{t} = cell", see], "NEXT"),
                (f"{tlb} > {MAPPED}", [self.gathered(f"r{t} = gath{{}} - 1"), see], "NEXT"),
                (f"pte && {tlb} != pte", [*fill, f"r{t} = cell", see], "NEXT"),
                ("!pte", self.drop(t), "FAULT"),
            )

    def fault(self, write: bool) -> None:
        aux = f"aux{self.t}"
        allocate = ["anon = 1", *self.alloc()] if write else []
        self.position(
            "FAULT",
            ("pte", [f"{aux} = pte"], "PRESENT"),
            ("!pte", ["table = 1", *allocate], "ANON"),
        )
        mine = self.free + self.t
        freed = "; ".join(self.put(mine))
        leave = [f"if :: {aux} == {mine} -> {freed} :: else fi"] if self.others else []
        if not write:
            self.position(
                "ANON",
                ("!ptl && !pte", [f"pte = {ZERO}"], "AGAIN"),
                ("!ptl && pte", [], "AGAIN"),
            )
            self.position("PRESENT", ("!ptl", [*leave, f"{aux} = 0"], "AGAIN"))
            return
        self.position(
            "ANON",
            ("!ptl && !pte", self.map_new(), "AGAIN"),
            ("!ptl && pte", self.put(self.new), "AGAIN"),
        )
        self.position(
            "PRESENT",
            (f"!ptl && {aux} == {ZERO} && pte == {ZERO}", [f"{aux} = 0"], "COPY"),
            (f"!ptl && !({aux} == {ZERO} && pte == {ZERO})", [*leave, f"{aux} = 0"], "AGAIN"),
        )
        self.position("COPY", ("", ["anon = 1", *self.alloc()], "COPY_PTL"))
        self.position(
            "COPY_PTL",
            (f"!ptl && pte == {ZERO}", ["pte = 0", "ptl = 1"], "CLEARED"),
            (f"!ptl && pte != {ZERO}", self.put(self.new), "AGAIN"),
        )
        self.flush("CLEARED", "COPY_IPI", [*self.map_new(), "ptl = 0"], "AGAIN")

    def dontneed(self) -> None:
        t, bit = self.t, 1 << self.t
        aux, gath = f"aux{t}", f"gath{t}"
        self.position("START", ("", [], "MADVISE"))
        begin = ["owed = 0", "zapping++"]
        self.position(
            "MADVISE",
            ("table", begin, "ZAP"),
            ("!table && zapping", [*begin, f"{aux} = {self.full}"], "FLUSH"),
            ("!table && !zapping", ["owed = 0"], "NEXT"),
        )
        note = [f"rev{u} = (tlb{u} -> rev{u} | {bit} : rev{u})" for u in range(self.n)]
        nested = f"{aux} = (zapping > 1 -> {self.full} : 0)"
        rename = [f"tlb{u} = (tlb{u} == {MAPPED} -> {self.gather} : tlb{u})" for u in range(self.n)]
        rename += [f"aux{u} = (aux{u} == {MAPPED} -> {self.gather} : aux{u})" for u in self.others]
        clear = ["pte = 0", "cell = 0", nested]
        self.position(
            "ZAP",
            (
                f"!ptl && pte == {MAPPED}",
                [*note, f"{gath} = cell + 1", *rename, *clear],
                "FLUSH",
            ),
            (f"!ptl && pte == {ZERO}", [*note, "pte = 0", nested], "FLUSH"),
            ("!ptl && !pte && zapping > 1", [*note, f"{aux} = {self.full}"], "FLUSH"),
            (
                "!ptl && !pte && zapping == 1",
                [*note, self.revoked_none(), "zapping = 0"],
                "NEXT",
            ),
        )
        freed = "; ".join([*self.put(self.gather), f"{gath} = 0"])
        free = f"if :: {gath} -> {freed} :: else fi"
        self.flush("FLUSH", "IPI", [free, f"{aux} = 0", "zapping--", self.revoked_none()], "NEXT")


def _both(a: str, b: str) -> str:
    """The conjunction of two guards, either of which may be empty."""
    return f"{a} && {b}" if a and b else a or b
