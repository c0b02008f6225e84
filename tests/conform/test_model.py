"""What the model answers to schedules, and runs of both with a kernel made up."""

from __future__ import annotations

import pytest

from pagefault.conform.model import Model
from pagefault.conform.run import design_for
from pagefault.lang import Program, parse, select
from pagefault.lang.generate import generate
from pagefault.lang.schedule import sample_schedules
from pagefault.link import link
from pagefault.live.outcome import Status, holds

TEXT = """+++
title = "A test"
source = "made for the test"
+++
{tasks}
exists (P:r0 = 1)
"""


def made(tasks: str) -> Program:
    return parse(TEXT.format(tasks=tasks))


def test_an_answer_has_all_that_a_kernel_tells() -> None:
    (program,) = (entry.program for entry in select(["cow+fork+parent-writes"]))
    (outcome,) = Model(link(), program).answer(("P", "P", "P", "C", "P"))
    assert outcome.status is Status.DONE
    assert outcome.values == "C:r0=1 P:A=2,0,0,0 C:A=1,0,0,0 P:A@1 C:A@2"


def test_frames_are_those_of_who_maps_them() -> None:
    program = made(
        "process P { A, B = mmap(anon, private, rw); A[0] = 1; r0 = B[0]\n fork(C) }\n"
        "process C { exit() }"
    )
    model = Model(link(), program)
    (before,) = model.answer(("P", "P"))
    assert dict(before.frames) == {"P:A": 1, "P:B": None, "C:A": None, "C:B": None}
    (forked,) = model.answer(("P", "P", "P", "P"))
    assert (forked.frames["P:A"], forked.frames["C:A"], forked.frames["P:B"]) == (1, 1, 0)
    (after,) = model.answer(("P", "P", "P", "P", "C"))
    assert after.frames["C:A"] is None
    assert after.cells["C:A"] is None


def test_who_cannot_move_is_blocked_at_that_move() -> None:
    program = made(
        "process P { A = mmap(anon, private, rw); r0 = read(p)\n}\nprocess Q { vmsplice(A, p) }"
    )
    (outcome,) = Model(link(), program).answer(("P", "Q", "P"))
    assert (outcome.status, outcome.moves) == (Status.BLOCKED, 2)


def test_what_was_done_before_a_statement_waits_is_seen() -> None:
    program = select(["swap+uffd-wp-pageout+store"])[0].program
    outcomes = Model(link("mainline"), program).answer(("P",) * 6 + ("T",))
    assert {o.status for o in outcomes} == {Status.BLOCKED}
    assert {o.frames["P:A"] for o in outcomes} == {1}  # T's fault has brought the page back


def test_a_choice_gives_several_outcomes() -> None:
    (program,) = (entry.program for entry in select(["tlb+munmap+load"]))
    schedules = sample_schedules(program, 100)
    root = "tests/sabotage/kernels"
    from pathlib import Path

    wrong = Path(__file__).resolve().parents[2] / root / "zaps_without_a_flush.py"
    assert all(len(a) == 1 for a in Model(link(), program).answers(schedules))
    assert any(len(a) > 1 for a in Model(link(wrong), program).answers(schedules))


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_shared_beginnings_change_nothing(seed: int) -> None:
    """Walked one after another, or each alone in a model of its own."""
    program = generate(seed, statements=2)
    schedules = sample_schedules(program, 40)
    together = list(Model(link(), program).answers(schedules))
    for schedule, outcomes in zip(schedules, together, strict=True):
        assert Model(link(), program).answer(schedule) == outcomes
        for outcome in outcomes:
            assert outcome.schedule == schedule
            assert outcome.holds == holds(program, outcome)


@pytest.mark.parametrize(
    ("release", "design"),
    [
        ("5.10.0-32-amd64", "linux-5.10"),
        ("5.15.0-91-generic", "linux-5.10"),
        ("5.19.17", "linux-5.19"),
        ("6.1.0-50-amd64", "linux-6.1"),
        ("6.3.13", "linux-6.4"),
        ("6.6.63", "linux-6.5"),
        ("6.12.107+deb13-amd64", "mainline"),
        ("6.11.0-29-generic", "linux-6.11"),
        ("6.14.11", "mainline"),
        ("6.15.0", "linux-6.15"),
        ("6.16.12", "linux-6.16"),
        ("6.17.0-rc1", "linux-6.17"),
        ("6.18.44", "linux-6.18"),
        ("7.1.0", "linux-6.18"),
        ("7.2.13+deb14", "linux-7.2"),
        ("5.4.0", "linux-5.7"),
    ],
)
def test_a_release_has_its_design(release: str, design: str) -> None:
    assert design_for(release) == design
    link(design)
