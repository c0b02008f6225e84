"""The toys have as many states and steps as they are known to have."""

from __future__ import annotations

import random

import pytest
from benchmarks.count import count
from benchmarks.toys.core import start
from benchmarks.toys.plain import counters, philosophers

from pagefault.consts import MOVED
from pagefault.explore.engine import Engine, next_choices, set_choices, take_choices

EACH = 4


def test_counters_are_independent() -> None:
    assert count(*counters(3)) == (10**3, 3 * 9 * 10**2)


def test_philosophers_have_the_pell_numbers() -> None:
    assert [count(*philosophers(n)) for n in (2, 3, 4, 8)] == [
        (5, 6),
        (12, 22),
        (29, 72),
        (985, 4992),
    ]


@pytest.mark.parametrize(("toy", "tasks", "seats"), [("counters", 3, 1), ("philosophers", 4, EACH)])
def test_a_toy_on_the_engine_steps_as_its_plain_model(toy: str, tasks: int, seats: int) -> None:
    kernel, lowered, st = start(toy, tasks)
    engine = Engine(kernel, lowered, "step")
    initial, follow = counters(tasks) if toy == "counters" else philosophers(tasks * seats)
    rng = random.Random(1)
    state = initial
    for _ in range(30 if toy == "counters" else 60):
        base = list(st.leaves)
        found = {}
        steps = 0
        for t in range(tasks):
            choices: tuple[int, ...] | None = ()
            while choices is not None:
                st.leaves[:] = base
                set_choices(st.leaves, choices)
                outcome = engine.step(st, t)
                choices = next_choices(*take_choices(st.leaves))
                if outcome == MOVED:
                    private = (st.task[u].private[i] for u in range(tasks) for i in range(seats))
                    found[tuple(private)] = list(st.leaves)
                    steps += 1
        assert sorted(found) == sorted(follow(state))
        assert steps == len(found)
        if not found:
            return
        state = rng.choice(sorted(found))
        st.leaves[:] = found[state]
