"""What a search may leave out changes no answer: on the catalogue, and on programs made by dice.

Canonical names of folios, equal tasks (symmetry), steps that nobody else can tell (reduce), several
cores. PAGEFAULT_PROGRAMS sets how many programs are made (500 take six minutes), PAGEFAULT_SEED
where they begin; with PAGEFAULT_EVERY_DESIGN all of the catalogue is searched, under all
designs, and not a fifth under mainline.
"""

from __future__ import annotations

import os

import pytest

from pagefault.explore import compiled
from pagefault.explore.search import Budget, explore
from pagefault.lang import catalogue, format_program
from pagefault.lang.generate import generate
from pagefault.link import link

PROGRAMS = int(os.environ.get("PAGEFAULT_PROGRAMS", "10"))
FIRST = int(os.environ.get("PAGEFAULT_SEED", "0"))
SMALL = Budget(states=3_000, seconds=None)
EVERY_DESIGN = "PAGEFAULT_EVERY_DESIGN" in os.environ
EVERY = 1 if EVERY_DESIGN else 5
CLAIMS = [
    pytest.param(entry.program, claim.design, id=f"{entry.name}@{claim.design}")
    for entry in catalogue()
    for claim in entry.program.header.expect
    if "step" in claim.grains and (claim.design == "mainline" or EVERY_DESIGN)
]


@pytest.fixture(autouse=True)
def _probe_little(monkeypatch):
    """Programs here are small: find out after a few states what each task has for itself."""
    monkeypatch.setattr(compiled, "PROBE", 20)


@pytest.mark.parametrize(("program", "design"), CLAIMS[::EVERY])
def test_the_catalogue(program, design):
    compare(program, link(design))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + PROGRAMS))
def test_programs_made_by_dice(seed):
    program = generate(seed, tasks=2 + seed % 2, statements=2 + seed % 3, pages=1 + seed % 2)
    compare(program, link())


def compare(program, kernel):
    full = explore(kernel, program, "step", SMALL, engine="compiled")
    if not full.complete:
        return
    text = format_program(program)
    together = explore(kernel, program, "step", engine="compiled", cores=2)
    assert (*finals(together), *sizes(together)) == (*finals(full), *sizes(full)), text
    reduced = explore(kernel, program, "step", engine="compiled", reduce=True)
    assert finals(reduced) == finals(full), text
    assert reduced.states <= full.states
    if full.states < 300:  # these are interpreted, or have many states
        named = explore(kernel, program, "step", SMALL, engine="compiled", canonical=False)
        if named.complete:
            assert verdict(named) == verdict(full), text
        symmetric = explore(kernel, program, "step", symmetry=True)
        assert verdict(symmetric) == verdict(full), text


def verdict(result):
    return result.verdict, sorted(result.stuck), steps(result.breaches), steps(result.finals)


def finals(result):
    return (*verdict(result), result.positive, result.negative)


def sizes(result):
    return result.states, result.transitions, result.depth


def steps(traces):
    """The length of each trace: of the shortest."""
    return {name: len(traces[name].steps) for name in traces}


def test_something_is_left_out():
    """Three tasks, each with pages of its own: some of what one does, no other can tell."""
    program = next(e.program for e in catalogue() if e.name == "gup+vmsplice+vmsplice+read-read")
    full = explore(link(), program, "step", engine="compiled")
    reduced = explore(link(), program, "step", engine="compiled", reduce=True)
    assert reduced.states < full.states
    assert finals(reduced) == finals(full)
