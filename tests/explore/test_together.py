"""Several workers at the same time find what one finds, whatever they need room for meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefault.explore import compiled, workers
from pagefault.explore.search import explore
from pagefault.lang import load, select
from pagefault.link import link

PROGRAMS = Path(__file__).parents[2] / "benchmarks" / "programs"
BREAKS = [
    ("fork+gup-fast-pin+store-dma", "linux-5.7"),
    ("cow+vmsplice-in-child-unmap+parent-writes", "linux-5.7"),
    ("gup+vmsplice-vmsplice+read+read", "mainline"),
]


def numbers(result):
    steps = {name: len(result.breaches[name].steps) for name in result.breaches}
    finals = {name: len(result.finals[name].steps) for name in result.finals}
    return (
        (result.verdict, result.positive, result.negative, result.stuck),
        (result.states, result.transitions, result.depth, steps, finals),
    )


@pytest.fixture(scope="module")
def three():
    return load(PROGRAMS / "zap-three.litmus")


@pytest.fixture(scope="module")
def alone(three):
    return numbers(explore(link(), three, "step", engine="compiled"))


@pytest.mark.parametrize("cores", [2, 3, 4, 5, 6])
def test_workers_find_what_one_finds(three, alone, monkeypatch, cores):
    monkeypatch.setattr(compiled, "TOGETHER", 1)
    assert numbers(explore(link(), three, "step", engine="compiled", cores=cores)) == alone


@pytest.mark.parametrize("cores", [2, 3, 4])
def test_they_make_room_meanwhile(three, alone, monkeypatch, cores):
    monkeypatch.setattr(compiled, "TOGETHER", 1)
    monkeypatch.setattr(workers, "_FIRST_TABLE", 1 << 16)
    monkeypatch.setattr(workers, "FIRST_ROOM", 1 << 16)
    monkeypatch.setattr(workers, "FIRST_MEMORY", 64)
    grown = []
    make_room = compiled.CompiledSearch._make_room

    def count(self, worker, reason):
        grown.append(reason)
        make_room(self, worker, reason)

    monkeypatch.setattr(compiled.CompiledSearch, "_make_room", count)
    assert numbers(explore(link(), three, "step", engine="compiled", cores=cores)) == alone
    assert len(set(grown)) > 3


@pytest.mark.parametrize(("name", "design"), BREAKS)
def test_they_find_the_same_breaches(monkeypatch, name, design):
    program = select([name])[0].program
    alone = numbers(explore(link(design), program, "step", engine="compiled"))
    monkeypatch.setattr(compiled, "TOGETHER", 1)
    found = explore(link(design), program, "step", engine="compiled", cores=3)
    assert numbers(found) == alone
