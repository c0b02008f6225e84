"""Schedules from the program alone are those that the model at grain op takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pagefault.consts import MOVED
from pagefault.errors import LitmusError
from pagefault.explore.engine import (
    Engine,
    boot,
    next_choices,
    set_choices,
    take_choices,
)
from pagefault.explore.lower import lower
from pagefault.lang import Program, catalogue, parse
from pagefault.lang.generate import generate
from pagefault.lang.schedule import (
    check_schedule,
    parse_schedule,
    sample_schedules,
    schedules,
)
from pagefault.link import link

TEXT = """+++
title = "A test"
source = "made for the test"
+++
{tasks}
exists (P:r0 = 1)
"""


class Model:
    """All that a program can do on mainline at grain op, schedule by schedule."""

    def __init__(self, program: Program) -> None:
        kernel = link("mainline")
        lowered = lower(program, kernel)
        self.engine = Engine(kernel, lowered, "op")
        self.names = [task.name for task in program.tasks]
        self.state = boot(kernel, lowered)

    def schedules(self) -> Iterator[tuple[str, ...]]:
        """Like lang's: a schedule for each way to the point where nobody can move."""
        yield from self._below((), {tuple(self.state.leaves)})

    def _below(
        self, moves: tuple[str, ...], states: set[tuple[int, ...]]
    ) -> Iterator[tuple[str, ...]]:
        after = {t: {s: self._step(s, t) for s in states} for t in range(len(self.names))}
        if any(not any(after[t][s] for t in after) for s in states):
            yield moves
        for t, name in enumerate(self.names):
            reached = set().union(*after[t].values())
            if reached:
                yield from self._below((*moves, name), reached)

    def _step(self, state: tuple[int, ...], t: int) -> set[tuple[int, ...]]:
        """Every state that one statement of task `t` may lead to."""
        found = set()
        choices: tuple[int, ...] | None = ()
        while choices is not None:
            leaves = self.state.leaves
            leaves[:] = state
            set_choices(leaves, choices)
            outcome = self.engine.step(self.state, t)
            made, arity = take_choices(leaves)
            if outcome == MOVED:
                found.add(tuple(leaves))
            choices = next_choices(made, arity)
        return found


def is_told_by_the_text(program: Program) -> bool:
    """Who waits for memory, or faults for ever where there is none, is not for the text to say."""
    return all(s.verb != "limit" for task in program.tasks for s in task.statements)


MOVES = [entry for entry in catalogue() if is_told_by_the_text(entry.program)]


@pytest.mark.parametrize("entry", MOVES, ids=lambda e: e.name)
def test_the_catalogue_moves_as_in_the_model(entry) -> None:
    program = entry.program
    from_text = list(schedules(program))
    assert len(set(from_text)) == len(from_text)
    _same(program, from_text)


@pytest.mark.parametrize("seed", range(60))
def test_generated_programs_move_as_in_the_model(seed: int) -> None:
    program = generate(seed, statements=2)
    from_text = list(schedules(program, 2000))
    if len(from_text) == 2000:
        pytest.skip("more than 2000 schedules")
    _same(program, from_text)


def _same(program: Program, from_text: list[tuple[str, ...]]) -> None:
    from_model = set(Model(program).schedules())
    assert from_model <= set(from_text)
    # What is too many begins or continues one of the model's, since a vmsplice() or splice() might
    # have failed, or comes to a task that waits for userfaultfd.
    verbs = {s.verb for task in program.tasks for s in task.statements}
    for moves in set(from_text) - from_model:
        assert verbs & {"vmsplice", "splice", "uffd_register"}
        if "uffd_register" in verbs:
            continue
        assert any(m[: len(moves)] == moves or moves[: len(m)] == m for m in from_model), moves


def test_a_full_pipe_holds_up_and_so_does_an_empty_one() -> None:
    program = parse(
        TEXT.format(
            tasks="""process P {
    A = mmap(anon, private, rw); clone(T)
    vmsplice(A, p); vmsplice(A, p); vmsplice(A, p); r0 = A[0]
}
thread T { r0 = read(p) }"""
        )
    )
    found = set(schedules(program))
    assert found == {
        ("P", "P", "P", "T", "P", "P", "P"),
        ("P", "P", "P", "P", "T", "P", "P"),
    }


def test_who_is_left_waiting_for_ever_ends_a_schedule() -> None:
    program = parse(
        TEXT.format(
            tasks="process P { A = mmap(anon, private, rw); r0 = read(p)\n}\n"
            "process Q { vmsplice(A, p) }"
        )
    )
    assert set(schedules(program)) == {("P", "Q"), ("P", "Q", "P"), ("Q", "P"), ("Q", "P", "P")}


def test_a_child_is_waited_for_until_its_threads_have_exited() -> None:
    program = parse(
        TEXT.format(
            tasks="""process P { fork(C); r0 = wait(C) }
process C { clone(T); exit() }
thread T { clone(U); exit() }
thread U { exit() }"""
        )
    )
    found = set(schedules(program))
    assert all(moves[-1] == "P" and len(moves) == 7 for moves in found)
    _same(program, list(found))


def test_a_thread_that_stays_keeps_its_process_from_being_waited_for() -> None:
    program = parse(
        TEXT.format(
            tasks="process P { fork(C); r0 = wait(C) }\nprocess C { clone(T); exit() }\n"
            "thread T { }"
        )
    )
    assert set(schedules(program)) == {("P", "C", "C")}
    _same(program, [("P", "C", "C")])


def test_samples_are_schedules_and_the_same_again() -> None:
    program = next(e.program for e in catalogue() if e.name == "cow+fork+parent-writes")
    assert sample_schedules(program, 100) == list(schedules(program))
    big = generate(3, tasks=5, statements=4)
    drawn = sample_schedules(big, 50, seed=7)
    assert drawn == sample_schedules(big, 50, seed=7)
    assert len(set(drawn)) == len(drawn) > 10
    for moves in drawn:
        check_schedule(big, moves)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("P,X", "no task 'X'", "the tasks are P and C"),
        ("C", "C cannot move", "P can move there"),
        ("P,P,P,P,C,P", "P cannot move", "nobody can move there"),
        ("P,,C", "no task ''", "the tasks are"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(text: str, message: str, hint: str) -> None:
    program = next(e.program for e in catalogue() if e.name == "cow+fork+parent-writes")
    with pytest.raises(LitmusError) as error:
        parse_schedule(program, text)
    assert message in str(error.value)
    assert hint in str(error.value)
