"""The sub-model as Murphi text, for rumur. plain.py is the same in Python and explains the names.

rumur tries every rule in every state, so there are as few as can be: one for what a task does
next, and one for each task that loads or stores, which walks the page table though the TLB has an
answer. The positions of a task are numbered such that a comparison tells whether it waits for PTL.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.zap.program import Kind, Step, Zap

__all__ = ["murphi"]

ZERO, MAPPED, GATHER = 1, 2, 3
_PTL = ("ANON", "PRESENT", "COPY_PTL", "ZAP")
"""Places where a task waits for PTL."""


def murphi(program: Zap) -> str:
    """The model of a program."""
    n = len(program.tasks)
    tasks = [_Task(program, t) for t in range(n)]
    values = max([1, *(s.arg for steps in program.tasks for s in steps if s.kind is Kind.STORE)])
    lines = [
        f"-- {program.name}: made by benchmarks/zap/murphi.py, which explains it.",
        "const",
        f"  GATHER: {GATHER};",
        f"  NEW: {GATHER + n};",
        f"  FREE: {GATHER + 2 * n};",
        f"  FULL: {GATHER + 3 * n};",
        "type",
        f"  task: 0..{n - 1};",
        "  entry: 0..NEW - 1;  -- none, the zero page, mapped, gathered by a task",
        "  read: 0..FULL;  -- or new, or freed; FULL is the flush of all pages",
        f"  value: 0..{values};",
        "var",
        "  pte: 0..2;  -- none, the zero page, a folio",
        "  cell: value;  -- of the folio that the PTE maps",
        "  owed: value;  -- ghost: what the next load must see, 0 for nothing",
        f"  zapping: 0..{n};  -- calls of madvise under way",
        "  ptable: boolean;  -- there is a page table",
        "  anon: boolean;  -- there is an anon_vma",
        "  ptl: boolean;  -- held across a switch point",
        "  tlb: array [task] of entry;",
        "  aux: array [task] of read;  -- the PTE that a fault has read",
        f"  gath: array [task] of 0..{values + 1};  -- cell + 1 of a zapped folio",
    ]
    lines += [f"  pos{task.t}: 0..{task.last};" for task in tasks]
    for t in range(n):
        lines += [f"  rev{t}_{u}: boolean;" for u in range(n)]
    lines += [f"  r{task.t}: value;" for task in tasks if task.loads]
    for task in tasks:
        lines += task.rules()
    lines += ["startstate", "begin"]
    for name in ("pte", "cell", "owed", "zapping"):
        lines.append(f"  {name} := 0;")
    for name in ("ptable", "anon", "ptl"):
        lines.append(f"  {name} := false;")
    lines.append("  for t: task do tlb[t] := 0; aux[t] := 0; gath[t] := 0; end;")
    for task in tasks:
        lines.append(f"  pos{task.t} := {task.waiting if task.t else task.number['S0']};")
        lines += [f"  rev{task.t}_{u} := false;" for u in range(n)]
        lines += [f"  r{task.t} := 0;"] * task.loads
    lines += ["end;", ""]
    return "\n".join(lines)


class _Task:
    """Bodies by label. `rev{c}_{t}`: call of task t must have the entry of CPU c flushed."""

    def __init__(self, program: Zap, t: int) -> None:
        self.t = t
        self.n = len(program.tasks)
        self.others = [u for u in range(self.n) if u != t]
        self.steps = program.tasks[t]
        self.program = program
        self.loads = any(step.kind is Kind.LOAD for step in self.steps)
        self.bodies: dict[str, list[str]] = {}
        self.walks: dict[str, list[str]] = {}
        self.i = 0
        for i, step in enumerate(self.steps):
            self.i = i
            self.statement(step)
        # Numbers: places that wait for PTL, loads, stores, other places, done, not yet started.
        kinds = [self._group(label) for label in self.bodies]
        labels = sorted(self.bodies, key=self._group)
        self.first = [sum(kind < group for kind in kinds) for group in range(4)]
        self.number = {label: i for i, label in enumerate(labels)}
        self.done = len(labels)
        self.waiting = self.done + 1
        self.last = self.waiting if t else self.done
        self.number[f"S{len(self.steps)}"] = self.done

    def _group(self, label: str) -> int:
        statement, _, place = label.partition("_")
        if place in _PTL:
            return 0
        kind = self.steps[int(statement[1:])].kind
        if place in ("", "AGAIN") and kind is Kind.LOAD:
            return 1
        if place in ("", "AGAIN") and kind is Kind.STORE:
            return 2
        return 3

    def rules(self) -> list[str]:
        t = self.t
        pos = f"pos{t}"
        lines = [f'rule "task {t}"']
        lines += [f"  {pos} < {self.done} & (!ptl | {pos} >= {self.first[1]}) ==>", "begin"]
        lines += [f"  switch {pos}"]
        lines += self._cases(self.bodies)
        lines += ["  endswitch;", "end;"]
        for group, permits in ((1, f"tlb[{t}] != 0"), (2, f"tlb[{t}] >= {MAPPED}")):
            start, end = self.first[group], self.first[group + 1]
            if start == end:
                continue
            walks = {k: v for k, v in self.walks.items() if self._group(k) == group}
            lines += [f'rule "task {t} walks, {("", "load", "store")[group]}"']
            lines += [f"  {pos} >= {start} & {pos} < {end} & {permits} & tlb[{t}] != pte ==>"]
            lines += ["begin", f"  switch {pos}", *self._cases(walks), "  endswitch;", "end;"]
        return lines

    def _cases(self, bodies: dict[str, list[str]]) -> list[str]:
        lines = []
        for label, body in bodies.items():
            lines.append(f"  case {self.number[label]}: -- {label}")
            lines += [f"    {self._resolve(line)}" for line in body]
        return lines

    def _resolve(self, line: str) -> str:
        """`go LABEL` is an assignment to the position."""
        head, go, label = line.rpartition("go ")
        if not go:
            return line
        label, _, tail = label.partition(";")
        return f"{head}pos{self.t} := {self.number[label]};{tail}"

    # --- pieces ---------------------------------------------------------------------------------

    def at(self, place: str) -> str:
        if place == "NEXT":
            return f"S{self.i + 1}"
        return f"S{self.i}" if place == "START" else f"S{self.i}_{place}"

    def drop(self, cpu: int) -> list[str]:
        return [f"tlb[{cpu}] := 0;", *(f"rev{cpu}_{u} := false;" for u in range(self.n))]

    def rename_aux(self, old: str, new: str, tasks: Sequence[int]) -> list[str]:
        return [f"if aux[{u}] = {old} then aux[{u}] := {new}; end;" for u in tasks]

    def first_of(self, cases: list[tuple[str, list[str]]], otherwise: list[str]) -> list[str]:
        """if ... elsif ... else ... end"""
        lines = []
        for k, (condition, body) in enumerate(cases):
            lines += [f"{'elsif' if k else 'if'} {condition} then", *(f"  {s}" for s in body)]
        if not cases:
            return otherwise
        if otherwise:
            lines += ["else", *(f"  {s}" for s in otherwise)]
        return [*lines, "end;"]

    def put(self, name: str) -> list[str]:
        return self.first_of(
            [
                (
                    f"aux[{u}] = {name}",
                    [
                        f"aux[{u}] := FREE + {u};",
                        *self.rename_aux(name, f"FREE + {u}", self.others[k + 1 :]),
                    ],
                )
                for k, u in enumerate(self.others)
            ],
            [],
        )

    def alloc(self) -> list[str]:
        return self.first_of(
            [
                (
                    f"aux[{u}] = FREE + {u}",
                    self.rename_aux(f"FREE + {u}", f"NEW + {self.t}", self.others[k:]),
                )
                for k, u in enumerate(self.others)
            ],
            [],
        )

    def map_new(self) -> list[str]:
        return [
            f"pte := {MAPPED};",
            *self.rename_aux(f"NEW + {self.t}", str(MAPPED), self.others),
        ]

    def gave_up(self) -> list[str]:
        checks = [f'assert "no-stale-tlb" !rev{u}_{self.t};' for u in range(self.n)]
        return [*checks, "zapping := zapping - 1;", f"go {self.at('NEXT')};"]

    def flush(self, place: str, ipi: str, done: list[str]) -> None:
        for here in (None, *self.others):
            rest = [c for c in self.others if here is None or c > here]
            self.bodies[self.at(place if here is None else f"{ipi}{here}")] = [
                *self.drop(self.t if here is None else here),
                *self.first_of(
                    [(f"tlb[{c}] != 0", [f"go {self.at(f'{ipi}{c}')};"]) for c in rest], done
                ),
            ]

    # --- statements -----------------------------------------------------------------------------

    def statement(self, step: Step) -> None:
        start = self.at("START")
        if step.kind is Kind.MMAP:
            self.bodies[start] = [f"go {self.at('MMAP')};"]
            self.bodies[self.at("MMAP")] = [f"go {self.at('NEXT')};"]
        elif step.kind is Kind.CLONE:
            child = _Task(self.program, step.arg)
            self.bodies[start] = [
                f"pos{step.arg} := {child.number['S0']};",
                f"go {self.at('NEXT')};",
            ]
        elif step.kind is Kind.DONTNEED:
            self.dontneed()
        else:
            write = step.kind is Kind.STORE
            self.access("START", write, step.arg)
            self.access("AGAIN", write, step.arg)
            self.fault(write)

    def access(self, place: str, write: bool, value: int) -> None:
        t, label = self.t, self.at(place)
        fill = [*self.drop(t), f"tlb[{t}] := pte;"]
        if write:
            end = [f"if zapping = 0 then owed := {value}; end;", f"go {self.at('NEXT')};"]
            mapped = [f"cell := {value};", *end]
            cases = [
                (f"tlb[{t}] = {MAPPED}", mapped),
                (f"tlb[{t}] > {MAPPED}", [f"gath[tlb[{t}] - GATHER] := {value + 1};", *end]),
            ]
            usable = f"pte = {MAPPED}"
        else:
            end = [
                f'assert "no-lost-write" owed = 0 | owed = r{t};',
                f"go {self.at('NEXT')};",
            ]
            mapped = [f"r{t} := cell;", *end]
            cases = [
                (f"tlb[{t}] = {ZERO}", [f"r{t} := 0;", *end]),
                (f"tlb[{t}] = {MAPPED}", mapped),
                (f"tlb[{t}] > {MAPPED}", [f"r{t} := gath[tlb[{t}] - GATHER] - 1;", *end]),
            ]
            usable = "pte != 0"
        fault = [*self.drop(t), f"go {self.at('FAULT')};"]
        walk = self.first_of([(usable, [*fill, *mapped])], fault)
        self.bodies[label] = self.first_of(cases, walk)
        self.walks[label] = walk

    def fault(self, write: bool) -> None:
        aux = f"aux[{self.t}]"
        again = f"go {self.at('AGAIN')};"
        allocate = ["anon := true;", *self.alloc()] if write else []
        self.bodies[self.at("FAULT")] = self.first_of(
            [("pte != 0", [f"{aux} := pte;", f"go {self.at('PRESENT')};"])],
            ["ptable := true;", *allocate, f"go {self.at('ANON')};"],
        )
        leave = []
        if self.others:
            leave = self.first_of([(f"{aux} = FREE + {self.t}", self.put(f"FREE + {self.t}"))], [])
        leave += [f"{aux} := 0;", again]
        if not write:
            self.bodies[self.at("ANON")] = [f"if pte = 0 then pte := {ZERO}; end;", again]
            self.bodies[self.at("PRESENT")] = leave
            return
        put_new = self.put(f"NEW + {self.t}")
        self.bodies[self.at("ANON")] = [
            *self.first_of([("pte = 0", self.map_new())], put_new),
            again,
        ]
        self.bodies[self.at("PRESENT")] = self.first_of(
            [
                (
                    f"{aux} = {ZERO} & pte = {ZERO}",
                    [f"{aux} := 0;", f"go {self.at('COPY')};"],
                )
            ],
            leave,
        )
        self.bodies[self.at("COPY")] = [
            "anon := true;",
            *self.alloc(),
            f"go {self.at('COPY_PTL')};",
        ]
        self.bodies[self.at("COPY_PTL")] = self.first_of(
            [(f"pte = {ZERO}", ["pte := 0;", "ptl := true;", f"go {self.at('CLEARED')};"])],
            [*put_new, again],
        )
        self.flush("CLEARED", "COPY_IPI", [*self.map_new(), "ptl := false;", again])

    def dontneed(self) -> None:
        t = self.t
        aux, gath = f"aux[{t}]", f"gath[{t}]"
        self.bodies[self.at("START")] = [f"go {self.at('MADVISE')};"]
        to_flush = f"go {self.at('FLUSH')};"
        self.bodies[self.at("MADVISE")] = [
            "owed := 0;",
            "zapping := zapping + 1;",
            *self.first_of(
                [
                    ("ptable", [f"go {self.at('ZAP')};"]),
                    ("zapping > 1", [f"{aux} := FULL;", to_flush]),
                ],
                self.gave_up(),
            ),
        ]
        note = [f"if tlb[{u}] != 0 then rev{u}_{t} := true; end;" for u in range(self.n)]
        rename = [
            f"if tlb[{u}] = {MAPPED} then tlb[{u}] := GATHER + {t}; end;" for u in range(self.n)
        ]
        rename += self.rename_aux(str(MAPPED), f"GATHER + {t}", self.others)
        nested = f"if zapping > 1 then aux[{t}] := FULL; end;"
        self.bodies[self.at("ZAP")] = [
            *note,
            *self.first_of(
                [
                    (
                        f"pte = {MAPPED}",
                        [
                            f"{gath} := cell + 1;",
                            *rename,
                            "pte := 0;",
                            "cell := 0;",
                            nested,
                            to_flush,
                        ],
                    ),
                    (f"pte = {ZERO}", ["pte := 0;", nested, to_flush]),
                    ("zapping > 1", [nested, to_flush]),
                ],
                self.gave_up(),
            ),
        ]
        free = []
        put = self.put(f"GATHER + {t}")
        if put:
            free = self.first_of([(f"{gath} != 0", put)], [])
        self.flush("FLUSH", "IPI", [*free, f"{gath} := 0;", f"{aux} := 0;", *self.gave_up()])
