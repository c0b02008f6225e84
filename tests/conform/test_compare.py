"""Outcomes made by hand, compared place by place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pagefault.conform.compare import Difference, differences
from pagefault.live.outcome import Outcome, Status

MODEL = Outcome(
    ("P", "C"),
    Status.DONE,
    2,
    holds=True,
    registers={"P:r0": -14, "C:r0": 1},
    signals={"C": 11},
    cells={"P:A": (1, 0, 0, 0), "C:A": None},
    frames={"P:A": 1, "C:A": None},
)


def test_equal_outcomes_agree() -> None:
    assert differences([MODEL], MODEL) == ()


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"registers": {"P:r0": 0, "C:r0": 1}}, Difference("P:r0", "EFAULT", "0")),
        ({"registers": {"P:r0": -1011, "C:r0": 1}}, Difference("P:r0", "EFAULT", "SIGSEGV")),
        ({"signals": {}}, Difference("C:signal", "SIGSEGV", "none")),
        ({"signals": {"C": 11, "P": 7}}, Difference("P:signal", "none", "SIGBUS")),
        ({"cells": {"P:A": (1, 0, 5, 0), "C:A": None}}, Difference("P:A[2]", "0", "5")),
        ({"cells": {"P:A": None, "C:A": None}}, Difference("P:A", "1,0,0,0", "-")),
        ({"frames": {"P:A": 1, "C:A": 1}}, Difference("C:A@", "-", "1")),
        ({"frames": {"P:A": 0, "C:A": None}}, Difference("P:A@", "1", "0")),
        ({"holds": False}, Difference("condition", "true", "false")),
        (
            {"status": Status.BLOCKED, "moves": 1},
            Difference("end", "done", "blocked at move 2"),
        ),
        ({"status": Status.HUNG, "moves": 0}, Difference("end", "done", "hung at move 1")),
    ],
)
def test_each_place_is_compared(changed: dict[str, object], difference: Difference) -> None:
    assert differences([MODEL], replace(MODEL, **changed)) == (difference,)


def test_what_a_kernel_hides_is_not_compared() -> None:
    assert differences([MODEL], replace(MODEL, cells={}, frames={}, holds=False)) == ()


def test_any_of_the_models_outcomes_will_do_and_the_nearest_is_told() -> None:
    other = replace(MODEL, registers={"P:r0": 0, "C:r0": 2}, signals={})
    assert differences([MODEL, other], other) == ()
    kernel = replace(other, signals={"P": 7})
    assert differences([MODEL, other], kernel) == (Difference("P:signal", "none", "SIGBUS"),)


def test_a_bug_of_the_model_is_a_difference() -> None:
    bug = Outcome(("P", "C"), Status.UNABLE, 1, why="model-bug: NO_FREE_FOLIO")
    assert differences([bug], MODEL) == (Difference("end", "model-bug: NO_FREE_FOLIO", "done"),)
