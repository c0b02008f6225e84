"""Generated programs make sense, and are the same wherever they are made."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pagefault.lang import format_program, parse
from pagefault.lang.generate import ABOUT_FILES, LEAVE_MARKS, NO_FILES, generate
from pagefault.lang.verbs import VERBS

SIZES = [(1, 0, 1), (2, 2, 1), (3, 4, 2), (4, 8, 4), (6, 8, 3)]


@pytest.mark.parametrize(("tasks", "statements", "pages"), SIZES)
def test_any_seed_makes_a_program(tasks, statements, pages):
    for seed in range(200):
        program = generate(seed, tasks=tasks, statements=statements, pages=pages)
        assert parse(format_program(program)) == program
        assert len(program.tasks) <= tasks


def verbs_of(program):
    return {statement.verb for task in program.tasks for statement in task.statements}


def test_every_verb_joins():
    assert set().union(*(verbs_of(generate(seed)) for seed in range(400))) == {
        name
        for name, verb in VERBS.items()
        if not any(slot.shape in NO_FILES for slot in verb.slots)
        and name not in ABOUT_FILES | LEAVE_MARKS
    }


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"mmap", "user_store"}))
def test_a_verb_can_be_left_out(verb):
    for seed in range(100):
        assert verb not in verbs_of(generate(seed, without={verb}))


def test_seeds_make_different_programs():
    assert (
        len({format_program(generate(seed)).partition("[0] = 1\n")[2] for seed in range(100)}) > 90
    )


def test_neither_process_nor_hash_seed_matters():
    code = (
        "from pagefault.lang import format_program; from pagefault.lang.generate import generate;"
        "print(*(format_program(generate(seed)) for seed in range(50)), end='')"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(texts) == 1


@pytest.mark.parametrize("sizes", [{"tasks": 0}, {"tasks": 7}, {"pages": 5}, {"statements": 9}])
def test_sizes_that_the_language_does_not_have(sizes):
    with pytest.raises(ValueError, match=r"1 to 6 tasks|0 to 8"):
        generate(0, **sizes)
