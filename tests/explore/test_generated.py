"""Programs made by dice: mainline keeps its promises, and both engines see the same.

PAGEFAULT_PROGRAMS sets how many are made; PAGEFAULT_SEED where they begin.
"""

from __future__ import annotations

import os

import pytest

from pagefault.explore.search import Budget, explore
from pagefault.lang import format_program
from pagefault.lang.generate import generate
from pagefault.link import link

PROGRAMS = int(os.environ.get("PAGEFAULT_PROGRAMS", "40"))
FIRST = int(os.environ.get("PAGEFAULT_SEED", "0"))
SMALL = Budget(states=1_000, seconds=None)


def program_of(seed, huge=False):
    """A FOLL_GET reference across fork promises nothing: without `get`."""
    return generate(
        seed,
        tasks=2 + seed % 2,
        statements=2 + seed % 3,
        pages=1 + seed % 2,
        without={"get"},
        huge=huge,
    )


@pytest.mark.parametrize("huge", [False, True])
@pytest.mark.parametrize("seed", range(FIRST, FIRST + PROGRAMS))
def test_mainline_keeps_its_promises(seed, huge):
    """And is asked for nothing that the model leaves out, which is a breach, too."""
    program = program_of(seed, huge)
    result = explore(link(), program, "step", SMALL, engine="interpreted")
    assert not list(result.breaches), format_program(program)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + PROGRAMS, 5))
def test_interpreted_and_compiled_search_agree(seed):
    program = program_of(seed)
    for grain in ("op", "step"):
        slow = explore(link(), program, grain, SMALL, engine="interpreted")
        if slow.complete:
            fast = explore(link(), program, grain, engine="compiled")
            assert numbers(fast) == numbers(slow), format_program(program)


def numbers(result):
    return (
        (result.verdict, result.positive, result.negative, sorted(result.stuck)),
        (result.states, result.transitions, result.depth, sorted(result.breaches)),
    )
