"""The search on a toy kernel: what it counts, what it finds, and when it gives up."""

from __future__ import annotations

import signal
import time

import pytest

from pagefault.errors import ModelError
from pagefault.explore.search import Budget, explore
from pagefault.layout import LEAF_INDEX
from pagefault.verdict import Verdict


def test_one_task_has_one_path(kernel, program):
    result = explore(kernel, program(P=["r0 = add 1", "r1 = add 1"], exists=("P", "r1", 2)))
    assert (result.verdict, result.positive, result.negative) == (Verdict.ALWAYS, 1, 0)
    assert (result.states, result.transitions, result.depth) == (3, 2, 2)
    assert result.witness is not None
    assert [step.text for step in result.witness.steps] == ["r0 = add 1", "r1 = add 1"]
    assert result.counterexample is None


def test_statements_are_atomic_at_grain_op(kernel, program):
    test = program(P=["r0 = add 1"], Q=["r0 = add 1"], exists=("Q", "r0", 2))
    result = explore(kernel, test, "op")
    assert (result.verdict, result.positive, result.negative) == (Verdict.SOMETIMES, 1, 1)
    assert (result.states, result.transitions) == (5, 4)
    lost = program(P=["r0 = add 1"], Q=["r0 = add 1"], exists=("P", "r0", 3))
    assert explore(kernel, lost, "op").verdict == Verdict.NEVER


def test_an_update_is_lost_at_grain_step(kernel, program):
    test = program(P=["add 1"], Q=["add 1", "r0 = add 0"], exists=("Q", "r0", 1))
    assert explore(kernel, test, "op").positive == 1  # P has not run yet
    result = explore(kernel, test, "step")
    assert result.verdict == Verdict.SOMETIMES
    witness = result.witness
    assert witness is not None
    first = witness.steps[0]
    assert (first.from_label, first.to_label) == ("", "between the read and the write")
    assert first.stack == ("add",)
    assert first.returned is None
    assert [step.returned for step in witness.steps if step.returned is not None]


def test_a_call_is_no_switch_point(kernel, program):
    result = explore(kernel, program(P=["r0 = twice 3"], exists=("P", "r0", 6)), "step")
    assert result.verdict == Verdict.ALWAYS
    assert result.witness is not None
    assert [step.stack for step in result.witness.steps] == [
        ("twice", "add"),
        ("twice", "add"),
        (),
    ]
    assert [v.path for v in result.witness.steps[1].visits] == ["add", "twice", "add"]


def test_every_choice_is_taken(kernel, program):
    result = explore(kernel, program(P=["r0 = roll 3"], exists=("P", "r0", 3)))
    assert (result.positive, result.negative) == (1, 3)  # 0, and 1 to 3
    assert result.witness is not None
    assert result.witness.steps[0].choices == (1, 2)


def test_a_plain_function_is_a_statement(kernel, program):
    result = explore(kernel, program(P=["r0 = note 4", "r1 = note r0"], exists=("P", "r1", 6)))
    assert result.verdict == Verdict.ALWAYS


def test_a_deadlock_is_nobody_can_move(kernel, program):
    crossed = program(
        P=["lock 0", "lock 1", "unlock 1", "unlock 0"],
        Q=["lock 1", "lock 0", "unlock 0", "unlock 1"],
    )
    result = explore(kernel, crossed)
    assert set(result.breaches) == {"no-deadlock"}
    trace = result.breaches["no-deadlock"]
    assert sorted(step.text for step in trace.steps) == ["lock 0", "lock 1"]
    assert trace.detail == "P at lock 1, Q at lock 0"
    assert (result.positive, result.negative) == (0, 1)


def test_waiting_for_ever_is_a_final_state(kernel, program):
    result = explore(kernel, program(P=["r0 = add 1", "until 7"], exists=("P", "r0", 1)))
    assert result.breaches == {}
    assert result.verdict == Verdict.ALWAYS
    assert result.stuck == ("P at until 7",)


def test_waiting_ends_when_somebody_helps(kernel, program):
    result = explore(
        kernel, program(P=["until 1", "r0 = add 1"], Q=["add 1"], exists=("P", "r0", 2))
    )
    assert result.verdict == Verdict.ALWAYS
    assert result.stuck == ()


def test_a_loop_without_an_end_breaks_progress(kernel, program):
    result = explore(kernel, program(P=["add 1", "spin 0"]), "step")
    assert set(result.breaches) == {"progress"}
    result = explore(kernel, program(P=["add 1", "spin 0"]), "op")
    assert set(result.breaches) == {"progress"}
    assert (result.states, result.positive, result.negative) == (2, 0, 0)


@pytest.mark.parametrize(
    ("statement", "bug"), [("crash 0", "IndexError"), ("huge 0", "OUT_OF_RANGE")]
)
def test_a_crash_of_the_model_is_a_finding(kernel, program, statement, bug):
    result = explore(kernel, program(P=["add 1", statement]))
    assert result.bugs == (f"model-bug: {bug}",)
    trace = result.breaches[f"model-bug: {bug}"]
    assert [step.text for step in trace.steps] == ["add 1", statement]
    assert trace.detail


def test_a_crash_of_a_property_is_a_finding(kernel, program):
    kernel.properties["odd"] = lambda st: st.private[7 if st.private[0] else 0] == 0
    result = explore(kernel, program(P=["add 1", "add 1"]))
    assert result.bugs == ("model-bug: IndexError",)
    assert len(result.breaches["model-bug: IndexError"].steps) == 1


@pytest.mark.parametrize(
    "error", [UnboundLocalError, NameError, AttributeError, AssertionError, OverflowError]
)
def test_whatever_python_says_is_a_finding(kernel, program, error):
    def odd(st):
        if st.private[0]:
            raise error("odd")
        return 1

    kernel.properties["odd"] = odd
    result = explore(kernel, program(P=["add 1", "add 1"]))
    name = f"model-bug: {error.__name__}"
    assert result.bugs == (name,)
    assert "odd (" in result.breaches[name].detail
    kernel.properties.clear()
    add = kernel.paths[1].step
    kernel.paths[1].step = lambda st, t: odd(st) and add(st, t)
    result = explore(kernel, program(P=["add 1", "add 1"]))
    assert [step.text for step in result.breaches[name].steps] == ["add 1", "add 1"]


def test_a_kernel_that_does_not_boot_is_an_error(kernel, program, monkeypatch):
    good = kernel.function
    bad = {"boot_kernel": lambda st: st.folio[99]}
    monkeypatch.setattr(kernel, "function", lambda name: bad.get(name) or good(name))
    with pytest.raises(ModelError, match="toy does not boot: IndexError"):
        explore(kernel, program(P=["add 1"]))


def test_the_clock_is_looked_at_within_a_state(kernel, program):
    roll = kernel.paths[5].step
    kernel.paths[5].step = lambda st, t: time.sleep(0.01) or roll(st, t)
    result = explore(kernel, program(P=["roll 120"]), budget=Budget(seconds=0.05))
    assert result.unknown_reason == "more than 0.05 seconds"
    assert result.seconds < 0.6


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer here")
def test_a_function_that_does_not_come_back_ends_with_the_time(kernel, program):
    def stays(st):
        while st.private[0] == 1:
            pass
        return 1

    add = kernel.paths[1].step
    kernel.paths[1].step = lambda st, t: stays(st) and add(st, t)
    test, budget = program(P=["add 1", "add 1"]), Budget(seconds=0.1)
    result = explore(kernel, test, budget=budget)
    assert (result.verdict, result.unknown_reason) == (Verdict.UNKNOWN, "more than 0.1 seconds")
    kernel.paths[1].step = add
    kernel.properties["before"] = lambda st: st.private[0] == 0
    kernel.properties["ends"] = stays
    result = explore(kernel, test, budget=budget)
    assert result.unknown_reason == "more than 0.1 seconds"
    assert [len(trace.steps) for trace in result.breaches.values()] == [1]
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(states=3), "more than 3 states"),
        (Budget(seconds=0.0), "more than 0 seconds"),
        (Budget(megabytes=0.001), "more than 0.001 MB of states"),
    ],
)
def test_a_budget_ends_in_unknown(kernel, program, budget, reason):
    test = program(P=["add 1"] * 4, Q=["add 1"] * 4)
    result = explore(kernel, test, "step", budget)
    assert (result.verdict, result.unknown_reason) == (Verdict.UNKNOWN, reason)
    assert not result.complete


def test_a_budget_does_not_unsay_what_was_found(kernel, program):
    test = program(P=["r0 = roll 3", "spin 0"], Q=["r0 = roll 3", "until 9"])
    assert "progress" not in explore(kernel, test, "step", Budget(states=10)).breaches
    result = explore(kernel, program(P=["r0 = roll 5", "r1 = roll 5"]), budget=Budget(states=12))
    assert result.verdict in (Verdict.SOMETIMES, Verdict.UNKNOWN)


def test_frames_that_differ_in_name_only_are_one_state(kernel, program):
    test = program(P=["alloc 0", "alloc 1"], Q=["alloc 2"])
    reduced = explore(kernel, test)
    every = explore(kernel, test, canonical=False, engine="interpreted")
    assert (reduced.verdict, reduced.depth) == (every.verdict, every.depth)
    assert reduced.states == 6
    assert every.states == 1 + 15 + 15 + 15 * 14 * 2 + 15 * 14 * 13


def test_a_trace_keeps_the_numbers_of_the_folios(kernel, program):
    result = explore(kernel, program(Q=["alloc 2"], P=["alloc 0", "alloc 1"]))
    assert result.counterexample is not None
    owner: dict[int, int] = {}
    for step in result.counterexample.steps:
        for p in range(16):
            cell = step.after[LEAF_INDEX[f"page[{p}].cell[0]"]]
            if cell:
                assert owner.setdefault(p, cell) == cell
    assert len(owner) == 3
