"""Conditions on final states: registers, memory as a process sees it, signals, errno."""

from __future__ import annotations

import pytest

from pagefault import lang
from pagefault.explore.condition import code_name, peek
from pagefault.explore.search import explore
from pagefault.layout import new_state
from pagefault.link import link
from pagefault.verdict import Verdict

HEADER = '+++\ntitle = "A test"\nsource = "none"\n+++\n'
PROGRAM = """
process P {
    A, B = mmap(anon, private, rw)
    A[1] = 5
    fork(C)
    mprotect(A, none)
    r0 = A[1]
    r1 = mprotect(A, r)
    A[1] = 6
    munmap(B)
    h = pin(B, read)
    r2 = dma_read(h)
    wait(C)
}
process C {
    A[1] = 7
    A[0] = 1
    exit()
}
"""


def verdict(condition):
    program = lang.parse(f"{HEADER}{PROGRAM}exists ({condition})\n")
    return explore(link("mainline"), program).verdict


@pytest.mark.parametrize(
    "condition",
    [
        "P:r0 = SIGSEGV",
        "P:signal = SIGSEGV",
        "C:signal = 0",
        "P:r1 = 0",
        "P:r2 = EFAULT",
        "P:A[1] = 5",
        "P:A[0] = 0",
        r"P:r0 != 5 /\ P:r1 = 0",
        r"P:r0 = 5 \/ P:r1 = 0",
        "~(P:r0 = 5)",
        "P:B[0] != 0",
        "C:A[1] != 7",
    ],
)
def test_what_holds(condition):
    assert verdict(condition) == Verdict.ALWAYS


@pytest.mark.parametrize("condition", ["P:r0 = 0", "P:A[1] = 7", "P:B[0] = 0", "C:A[1] = 7"])
def test_what_does_not_hold(condition):
    assert verdict(condition) == Verdict.NEVER


def test_a_device_sees_no_memory_of_its_own():
    assert peek(new_state(), -1, 0, 0) is None


@pytest.mark.parametrize(
    ("value", "name"), [(0, "0"), (7, "7"), (-14, "EFAULT"), (-1011, "SIGSEGV"), (-999, "-999")]
)
def test_codes_are_named(value, name):
    assert code_name(value) == name
