"""Programs get smaller as long as they show what they are asked to show."""

from __future__ import annotations

import pytest

from pagefault.lang import Program, parse
from pagefault.lang.generate import generate
from pagefault.lang.printing import format_program
from pagefault.lang.shrink import shrink, smaller


def verbs(program: Program) -> list[str]:
    return [s.verb for task in program.tasks for s in task.statements]


@pytest.mark.parametrize("seed", range(20))
def test_smaller_programs_mean_something_and_are_smaller(seed: int) -> None:
    program = generate(seed)
    found = list(smaller(program))
    assert found
    texts = {format_program(p) for p in found}
    assert len(texts) == len(found)
    assert format_program(program) not in texts
    for small in found:
        assert parse(format_program(small), small.name) == small


def test_what_shows_it_is_left() -> None:
    # In the first task, which nobody has to clone.
    programs = map(generate, range(100))
    program = next(p for p in programs if "mprotect" in [s.verb for s in p.tasks[0].statements])
    small = shrink(program, lambda some: ["mprotect" in verbs(p) for p in some])
    assert verbs(small) == ["mmap", "mprotect"]
    assert len(small.tasks) == 1


def test_a_program_that_shows_nothing_smaller_stays() -> None:
    program = generate(3)
    assert shrink(program, lambda some: [False for _ in some]) == program
