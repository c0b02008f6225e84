"""A toy kernel without memory: paths written as the linker would emit them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pagefault import consts
from pagefault.consts import BLOCKED, CALLED, RETURNED, WAITING, YIELDED
from pagefault.hw.choice import choose
from pagefault.lang.program import (
    Atom,
    Condition,
    Header,
    Int,
    Program,
    Register,
    Statement,
    Task,
)


def _frame(st, t):
    task = st.task[t]
    return task.frame[task.depth - 1]


def _return(st, t, value):
    task = st.task[t]
    frame = task.frame[task.depth - 1]
    for r in range(consts.NR_REGS):
        frame.reg[r] = 0
    frame.path = 0
    frame.pc = 0
    task.depth -= 1
    task.retval = value
    return RETURNED


def add(st, t):
    """private[0] += n, read and written in two steps."""
    frame = _frame(st, t)
    if frame.pc == 0:
        frame.reg[1] = st.private[0]
        frame.pc = 1
        return YIELDED
    st.private[0] = frame.reg[1] + frame.reg[0]
    return _return(st, t, st.private[0])


def lock(st, t):
    """Take the lock private[n]."""
    frame = _frame(st, t)
    if st.private[frame.reg[0]]:
        return BLOCKED
    st.private[frame.reg[0]] = t + 1
    return _return(st, t, 0)


def unlock(st, t):
    st.private[_frame(st, t).reg[0]] = 0
    return _return(st, t, 0)


def until(st, t):
    """Wait until private[0] is n."""
    frame = _frame(st, t)
    if st.private[0] != frame.reg[0]:
        return WAITING
    return _return(st, t, 0)


def roll(st, t):
    """Two choices: a coin, and one of n after heads."""
    n = _frame(st, t).reg[0]
    value = 0
    if choose(st, 2):
        value = 1 + choose(st, n)
    return _return(st, t, value)


def twice(st, t):
    """Call add(n) two times."""
    task = st.task[t]
    frame = _frame(st, t)
    if frame.pc == 2:
        value = task.retval
        task.retval = 0
        return _return(st, t, value)
    task.retval = 0
    frame.pc += 1
    callee = task.frame[task.depth]
    callee.path = 1
    callee.reg[0] = frame.reg[0]
    task.depth += 1
    return CALLED


def spin(st, t):
    """Yield for ever between two states."""
    frame = _frame(st, t)
    st.private[1] ^= 1
    frame.pc = 1
    return YIELDED


def crash(st, t):
    return st.private[99]


def huge(st, t):
    st.private[0] = 1 << 20
    return _return(st, t, 0)


def alloc(st, t):
    """Take any free frame and write its number, plus one, nowhere: hold it in a pin."""
    frame = _frame(st, t)
    free = [p for p in range(1, consts.NR_PFN) if st.folio[p].refcount == 0]
    pfn = free[choose(st, len(free))]
    st.folio[pfn].refcount = 1
    st.page[pfn].cell[0] = t + 1
    st.pin[frame.reg[0]].pfn = pfn
    return _return(st, t, 0)


PATHS = (add, lock, unlock, until, roll, twice, spin, crash, huge, alloc)
LABELS = {"add": {1: "between the read and the write"}, "spin": {1: "spinning"}}


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setattr("pagefault.explore.promises._plain_functions", dict)
    paths = [None]
    for i, function in enumerate(PATHS, start=1):
        paths.append(
            SimpleNamespace(
                name=function.__name__,
                id=i,
                step=function,
                params=("n",),
                labels=LABELS.get(function.__name__, {}),
                kinds=("",) * consts.NR_REGS,
            )
        )
    functions = {
        "switch_to": lambda st, t: 1,
        "boot_mm": lambda st, mm: None,
        "boot_kernel": lambda st: None,
        "note": lambda st, t, n: n + 1,
    }
    return SimpleNamespace(
        name="toy",
        paths=tuple(paths),
        function=functions.__getitem__,
        overrides={},
        properties={},
        not_promised=frozenset(),
    )


@pytest.fixture
def program():
    """Makes a program: `program(P=["r0 = add 1"], Q=[...], exists=("P", "r0", 1))`."""

    def make(exists=("P", "r0", 1), **tasks):
        return Program(
            name="toy",
            title="A toy",
            source="none",
            tasks=tuple(
                Task(name, "process", None, None, tuple(_statement(name, s) for s in statements))
                for name, statements in tasks.items()
            ),
            pages=(),
            pins=(),
            pipes=(),
            condition=Condition("exists", Atom(Register(*exists[:2]), Int(exists[2]))),
            header=Header("A toy", "none"),
        )

    return make


def _statement(task, text):
    dest, _, call = text.rpartition("=")
    verb, *numbers = call.split()
    args = tuple(Int(int(n)) if n.isdigit() else Register(task, n) for n in numbers)
    return Statement(verb, args, Register(task, dest.strip()) if dest else None, text=text)
