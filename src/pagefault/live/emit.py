"""Litmus programs as one C program: what the templates need, and the text that they give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

import jinja2

from pagefault.errors import LitmusError
from pagefault.lang.printing import format_condition, format_program
from pagefault.lang.program import (
    And,
    Atom,
    Expr,
    Int,
    Memory,
    Not,
    Or,
    Program,
    Register,
    Signal,
)
from pagefault.lang.schedule import Schedule, sample_schedules
from pagefault.live.danger import danger_of
from pagefault.live.drivers import closes_a_driver, no_call
from pagefault.live.features import Feature
from pagefault.live.pins import PinPlan, Refusal, plan_pins, space_of
from pagefault.live.statements import Names, call_of, missing, needs_of, rule_of

__all__ = ["MOST_BUILT_IN", "c_program", "c_programs", "refusal"]

MOST_BUILT_IN = 500
"""So many schedules are built into the program of one test; of more, a sample."""


HUGE = frozenset({Feature.THP, Feature.COLLAPSE})
HUGE_PAGE_PART = 512 // 4
"""Base pages that a page of a test stands for where four of them can be one huge page."""


@dataclass(frozen=True)
class Line:
    """One statement: as the test has it, and in C."""

    text: str
    code: str


@dataclass(frozen=True)
class Task:
    """A row of the table of tasks, and the function."""

    name: str
    kind: str
    parent: str
    space: str
    cpu: int
    registers: int
    function: str
    lines: list[Line]


@dataclass(frozen=True)
class Test:
    """What the template needs of one test."""

    name: str
    title: str
    source: str
    danger: str | None
    litmus: list[str]
    symbol: str
    condition: str
    quantifier: str
    holds: str
    places: list[str]
    needs: str
    no_stress: str
    spread: int
    one_table: int
    tasks: list[Task]
    names: list[list[str]]
    pages: tuple[str, ...]
    base_pages: int
    drops: list[str]
    files: list[str]
    schedules: list[str]
    features: frozenset[Feature] = field(default_factory=frozenset)
    parts: frozenset[str] = field(default_factory=frozenset)


def refusal(program: Program) -> str:
    """Why no live kernel can run it, "" if one may."""
    for task in program.tasks:
        for statement in task.statements:
            if rule_of(statement) is None:
                return missing(statement)
            if reason := no_call(program, statement):
                return reason
    plan = plan_pins(program)
    return plan.reason if isinstance(plan, Refusal) else ""


def c_program(
    program: Program, chosen: Iterable[Schedule] | None = None, iterations: int = 0
) -> str:
    """The C program of one test, with the schedules `chosen` (None: all, or a sample) built in.

    With `iterations`, it runs free so often when it gets no arguments. LitmusError if no live
    kernel can run it.
    """
    if reason := refusal(program):
        raise LitmusError(f"{program.name} cannot run on a live kernel: {reason}", program.path)
    if chosen is None:
        chosen = sample_schedules(program, MOST_BUILT_IN)
    return _text([_test(program, list(chosen))], iterations)


def c_programs(programs: Sequence[Program]) -> str:
    """One C program for many tests, without schedules. None of them may be refused."""
    return _text([_test(program, [], f"t{n}_") for n, program in enumerate(programs)])


def _text(tests: list[Test], iterations: int = 0) -> str:
    features = [f for f in Feature if any(f in test.features for test in tests)]
    parts = {part for test in tests for part in test.parts}
    ordered = [part for part in _ORDER if part in parts]
    ordered += sorted(part for part in parts if part not in _ORDER)
    return (
        _environment()
        .get_template("program.c.j2")
        .render(
            tests=tests,
            features=features,
            iterations=iterations,
            parts=ordered,
            uses_pipes="pipes.c" in parts,
            uses_files="verbs/files.c" in parts,
        )
    )


_ORDER = (
    "proc.c",
    "remote.c",
    "pagemap.c",
    "kpage.c",
    "swap.c",
    "populate.c",
    "reclaim.c",
    "ksm.c",
    "numa.c",
    "pipes.c",
    "verbs/files.c",
    "drivers.c",
    "uffd.c",
    "pins/common.c",
)
"""What other parts stand on comes first, in this order."""


def _test(program: Program, chosen: list[Schedule], prefix: str = "") -> Test:
    plans = plan_pins(program)
    assert not isinstance(plans, Refusal)
    names = Names(program, plans, prefix)
    features, parts = _features(program, plans)
    return Test(
        name=program.name,
        title=program.title,
        source=program.source,
        danger=danger_of(program),
        litmus=format_program(program).rstrip().splitlines(),
        symbol=f"{prefix}test",
        condition=_condition(program),
        quantifier=program.condition.quantifier,
        holds=_expression(names, program.condition.expr),
        places=_places(names),
        needs=" | ".join(f"1ull << NEED_{f.name}" for f in Feature if f in features) or "0",
        no_stress=next((plan.no_stress for plan in plans.values() if plan.no_stress), ""),
        spread=int(any(task.kind == "thread" for task in program.tasks)),
        one_table=int(closes_a_driver(program)),
        tasks=[_task(names, t) for t in range(len(program.tasks))],
        names=[
            [names.c(name) for name in group]
            for group in (
                [t.name for t in program.tasks],
                program.pages,
                program.pins,
                program.pipes,
                [file.name for file in program.files],
            )
            if group
        ],
        pages=program.pages,
        base_pages=HUGE_PAGE_PART if HUGE & features else 1,
        drops=[f"{plans[pin].means.prefix}_drop" for pin in program.pins],
        files=[f"{{ {_FILE_KINDS[f.kind]}, {f.nr_pages} }}" for f in program.files],
        schedules=[",".join(moves) for moves in chosen],
        features=features,
        parts=parts,
    )


_FILE_KINDS = {
    "regular": "ON_DISK",
    "shmem": "IN_MEMORY",
    "secret": "SECRET",
    "io_uring": "IO_URING",
    "packet": "PACKET",
    "bpf": "BPF",
    "ringbuf": "RINGBUF",
    "arena": "ARENA",
    "perf": "PERF",
}
"""By word of the language: C's enum file_kind."""


def _condition(program: Program) -> str:
    """What stands in the condition's parentheses."""
    text = format_condition(program.condition).partition(" ")[2].strip()
    return text.removeprefix("(").removesuffix(")")


def _features(
    program: Program, plans: dict[str, PinPlan]
) -> tuple[frozenset[Feature], frozenset[str]]:
    """What the test needs, and the files that have it."""
    features: set[Feature] = set()
    parts = {"remote.c", "pagemap.c"}
    for task in program.tasks:
        for statement in task.statements:
            rule = rule_of(statement)
            assert rule is not None
            features.update(needs_of(program, statement))
            parts.update({rule.file} - {""})
    for plan in plans.values():
        features.update(plan.means.needs)
        parts.update({"pins/common.c", f"pins/{plan.means.prefix}.c"})
    if any(isinstance(atom.left, Memory) for atom in _atoms(program.condition.expr)):
        features.add(Feature.PROCESS_VM)
    parts.update(feature.file for feature in features)
    if "pins/longterm.c" in parts:
        parts.add("pins/guptest.c")
    if parts & {"pins/copy.c", "pins/direct.c", "verbs/userfaults.c"}:
        parts.add("uffd.c")
    if "reclaim.c" in parts:
        parts.add("swap.c")
    if "pins/splice.c" in parts:
        parts.add("pipes.c")
    return frozenset(features), frozenset(parts)


def _task(names: Names, index: int) -> Task:
    program = names.program
    task = program.tasks[index]
    space = space_of(program, task.name)
    registers = {s.dest.index for s in task.statements if s.dest is not None}
    return Task(
        name=task.name,
        kind=task.kind,
        parent="-1" if task.parent is None else names.c(task.parent),
        space="-1" if space is None else names.c(space),
        cpu=-1 if task.cpu is None else task.cpu,
        registers=sum(1 << register for register in registers),
        function=f"{task.kind}_{names.c(task.name)}",
        lines=[Line(s.text, call_of(names, s)) for s in task.statements],
    )


def _in_comment(text: str) -> str:
    """A text that neither ends a C comment nor begins one."""
    return text.replace("*/", "* /").replace("/*", "/ *")


# The condition.


def _atoms(expr: Expr) -> list[Atom]:
    match expr:
        case Atom():
            return [expr]
        case Not(operand):
            return _atoms(operand)
        case And(operands) | Or(operands):
            return [atom for operand in operands for atom in _atoms(operand)]


def _expression(names: Names, expr: Expr) -> str:
    match expr:
        case Atom():
            return _comparison(names, expr)
        case Not(operand):
            return f"!({_expression(names, operand)})"
        case And(operands):
            return " && ".join(f"({_expression(names, e)})" for e in operands)
        case Or(operands):
            return " || ".join(f"({_expression(names, e)})" for e in operands)


def _comparison(names: Names, atom: Atom) -> str:
    what, *numbers = _place(names, atom.left)
    function = {"r": "reg", "s": "signal_of", "c": "cell"}[str(what)]
    used = numbers[: {"r": 2, "s": 1, "c": 3}[str(what)]]
    sign = "==" if atom.equal else "!="
    return f"{function}({', '.join(map(str, used))}) {sign} {_number(atom)}"


def _number(atom: Atom) -> str:
    """The right side in C: registers hold errno negated, and signals below -SIGNAL_BASE."""
    if isinstance(atom.right, Int):
        return str(atom.right.value)
    if isinstance(atom.left, Signal):
        return atom.right.name
    if atom.right.is_signal:
        return f"-(SIGNAL_BASE + {atom.right.name})"
    return f"-{atom.right.name}"


def _place(names: Names, left: Register | Memory | Signal) -> tuple[str, str, str, int]:
    """Like C's struct place: what it is, of which task, and which one."""
    match left:
        case Register():
            return "r", names.c(left.task), str(left.index), 0
        case Signal(task):
            return "s", names.c(task), "0", 0
        case Memory(task, page, cell):
            space = space_of(names.program, task)
            assert space is not None, "a device has no memory to look at"
            return "c", names.c(space), names.c(page), cell


def _places(names: Names) -> list[str]:
    found: dict[str, str] = {}
    for atom in _atoms(names.program.condition.expr):
        match atom.left:
            case Register(task, register):
                name = f"{task}:{register}"
            case Signal(task):
                name = f"{task}:signal"
            case Memory(task, page, cell):
                name = f"{task}:{page}[{cell}]"
        what, *numbers = _place(names, atom.left)
        found[name] = f"{{ {c_string(name)}, '{what}', {', '.join(map(str, numbers))} }}"
    return list(found.values())


def c_string(text: str) -> str:
    """A C string literal. ASCII but for what UTF-8 allows as it is."""
    escaped = re.sub(r'(["\\])', r"\\\1", text).replace("\n", " ")
    return f'"{escaped.replace("??", "?" + chr(92) + "?")}"'


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pagefault.live", "templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # it is C, not HTML
    )
    environment.filters["c_string"] = c_string
    environment.filters["in_comment"] = _in_comment
    return environment
