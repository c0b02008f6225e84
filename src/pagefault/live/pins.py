"""Which system calls stand for a pin or a get, so that it lasts until the test drops it.

Few calls hold a reference for as long as user space likes. What none of them can hold is refused,
with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from pagefault.lang.program import Int, Page, Pin, Program, Range, Statement, Words
from pagefault.live.features import Feature

__all__ = ["Means", "PinPlan", "Refusal", "plan_pins"]

TAKERS = ("pin", "get", "o_direct")
"""Verbs that take a reference."""

HOLDS = 4
"""A pin for reading can be read through so often; templates/pins/copy.c has the same number."""


@dataclass(frozen=True)
class Means:
    """How a reference is taken and used: functions PREFIX_read, _write, _unpin and _drop in C."""

    prefix: str
    needs: tuple[Feature, ...]


RING = Means("ring", (Feature.IO_URING,))
COPY = Means("copy", (Feature.USERFAULTFD, Feature.PROCESS_VM))
LONGTERM = Means("longterm", (*COPY.needs, Feature.LONGTERM))
GUP_TEST = Means("guptest", (Feature.GUP_TEST,))
SPLICE = Means("splice", (Feature.TEE,))
DIRECT = Means("direct", (Feature.DIRECT,))
DIRECT_GET = Means("direct", (Feature.DIRECT_GET,))


@dataclass(frozen=True)
class PinPlan:
    """How a pin is taken: by C function `function`, with arguments `rest` after pin and page."""

    means: Means
    function: str
    rest: tuple[int, ...] = ()
    no_stress: str = ""

    def take(self, pin: str, page: str) -> str:
        """The call that takes it."""
        return f"{self.function}({', '.join((pin, page, *map(str, self.rest)))})"


@dataclass(frozen=True)
class Refusal:
    """Why no live kernel can be made to do it."""

    reason: str


def plan_pins(program: Program) -> dict[str, PinPlan] | Refusal:
    """A plan for each pin of the program, by name; or why there is none."""
    plans = {}
    for task in program.tasks:
        for statement in task.statements:
            if statement.verb in TAKERS:
                plan = _plan(program, statement)
                if isinstance(plan, Refusal):
                    return plan
                plans[_pin_of(statement)] = plan
    if sum(plan.means is GUP_TEST for plan in plans.values()) > 1:
        return Refusal("gup_test, which can leave GUP-fast out, holds one pin at a time")
    return plans


def _pin_of(statement: Statement) -> str:
    return next(arg.name for arg in statement.args if isinstance(arg, Pin))


def _plan(program: Program, statement: Statement) -> PinPlan | Refusal:
    match statement.args:
        case (Page(), Pin(name), Words(words=words)):
            pass
        case _:
            raise AssertionError(statement)
    if "slow" in words:
        return _plan_slow(program, statement, name, words)
    if statement.verb == "o_direct":
        return _plan_o_direct(program, name, "write" in words)
    if statement.verb == "get":
        return _plan_get(program, name, "write" in words)
    if "write" in words:
        if "longterm" not in words and _may_be_on_disk(program, statement):
            return Refusal(
                "a registered buffer is a long-term pin, which no shared file on a disk allows"
            )
        # Always long-term: on anonymous memory that only keeps the page out of movable zones.
        return PinPlan(RING, "ring_pin")
    return _plan_read_pin(program, name, "longterm" in words)


def _plan_slow(
    program: Program, statement: Statement, name: str, words: frozenset[str]
) -> PinPlan | Refusal:
    """By gup_test, whose pins are long-term ones; to a pin for writing that makes no difference."""
    if statement.verb == "get" or not words & {"write", "longterm"}:
        return Refusal(
            "user space cannot tell the kernel to leave GUP-fast out, but for long-term pins"
        )
    if "write" in words and _uses(program, "dma_write", name):
        return Refusal("gup_test, which can leave GUP-fast out, writes nothing through its pin")
    return PinPlan(GUP_TEST, "guptest_pin", (1 if "write" in words else 0,))


def _plan_get(program: Program, name: str, write: bool) -> PinPlan | Refusal:
    if not write:
        return PinPlan(SPLICE, "splice_get")
    writes = _uses(program, "dma_write", name)
    if writes:
        return _plan_direct(program, name, writes, DIRECT_GET)
    reason = "get(..., write) is a write fault and vmsplice(2), between which others may move"
    return PinPlan(SPLICE, "splice_get_write", no_stress=reason)


def _plan_o_direct(program: Program, name: str, write: bool) -> PinPlan | Refusal:
    if not write:
        return Refusal("nothing holds up an O_DIRECT write once the disk may be asked")
    return _plan_direct(program, name, _uses(program, "dma_write", name), DIRECT)


def _plan_direct(
    program: Program, name: str, writes: list[Statement], means: Means
) -> PinPlan | Refusal:
    """An O_DIRECT read under way: it writes once, what the disk has, and cannot be taken back."""
    if len(writes) != 1 or _uses(program, "dma_read", name) or _uses(program, "unpin", name):
        return Refusal("an O_DIRECT read is one dma_write, and nothing else")
    if _exits(program, name):
        return Refusal("an O_DIRECT read under way keeps the memory of a process that exits")
    match writes[0].args:
        case (Pin(cell=cell), Int(value)):
            return PinPlan(means, "direct_get", (cell or 0, value))
    return Refusal("what an O_DIRECT read finds on disk is written there before: no register")


def _plan_read_pin(program: Program, name: str, longterm: bool) -> PinPlan | Refusal:
    reads = len(_uses(program, "dma_read", name))
    if reads > HOLDS:
        return Refusal(f"a pin for reading can be read through {HOLDS} times at most")
    if _exits(program, name):
        return Refusal(
            "a pin for reading is process_vm_readv(2) under way, which keeps the memory of a "
            "process that exits"
        )
    if longterm:
        return PinPlan(LONGTERM, "longterm_pin", (max(reads, 1),))
    return PinPlan(COPY, "copy_pin", (max(reads, 1),))


def _may_be_on_disk(program: Program, statement: Statement) -> bool:
    """Whether somebody maps a regular file there, shared."""
    page = next(a.name for a in statement.args if isinstance(a, Page))
    for mapping in (s for t in program.tasks for s in t.statements if s.verb == "mmap_file"):
        pages = next(a for a in mapping.args if isinstance(a, Range))
        said = {word for a in mapping.args if isinstance(a, Words) for word in a.words}
        first, last = program.pages.index(pages.first), program.pages.index(pages.last)
        if {"shared", "regular"} <= said and first <= program.pages.index(page) <= last:
            return True
    return False


def _uses(program: Program, verb: str, pin: str) -> list[Statement]:
    """The statements of this verb that go through the pin."""
    return [
        s
        for task in program.tasks
        for s in task.statements
        if s.verb == verb and isinstance(s.args[0], Pin) and s.args[0].name == pin
    ]


def _exits(program: Program, pin: str) -> bool:
    """Whether somebody may leave the address space that the pin was taken in."""
    taker = next(
        task
        for task in program.tasks
        for s in task.statements
        if s.verb in TAKERS and pin in {a.name for a in s.args if isinstance(a, Pin)}
    )
    space = space_of(program, taker.name)
    return any(
        s.verb == "exit" and space_of(program, task.name) == space
        for task in program.tasks
        for s in task.statements
    )


def space_of(program: Program, name: str) -> str | None:
    """The process whose address space a task runs in; None for a device."""
    task = program.task(name)
    while task.kind == "thread":
        assert task.parent is not None
        task = program.task(task.parent)
    return task.name if task.kind == "process" else None
