"""What the compiled search remembers of steps changes nothing but its speed."""

from __future__ import annotations

import pytest

from pagefault.explore import compiled, workers
from pagefault.explore.search import explore
from pagefault.lang import catalogue
from pagefault.link import link, watch

TEST = "gup+vmsplice-vmsplice+read+read"
LOCKING = "tlb+munmap-load+dontneed"


@pytest.fixture(scope="module")
def program():
    return next(entry.program for entry in catalogue() if entry.name == TEST)


@pytest.fixture(scope="module")
def interpreted(program):
    return numbers(explore(link(), program, "step", engine="interpreted"))


def test_few_steps_are_taken(program, interpreted):
    search = searched(program)
    assert search.taken < search.found().transitions


def test_a_memory_that_is_forgotten_over_and_over(program, interpreted, monkeypatch):
    monkeypatch.setattr(workers, "FIRST_MEMORY", 64)
    monkeypatch.setattr(compiled, "MEMORY", 64)
    forgotten = []
    forget = workers.Worker.forget

    def count(self, room):
        forgotten.append(room)
        forget(self, room)

    monkeypatch.setattr(workers.Worker, "forget", count)
    assert numbers(explore(link(), program, "step", engine="compiled")) == interpreted
    assert len(forgotten) > 10


def test_a_memory_that_grows(program, interpreted, monkeypatch):
    monkeypatch.setattr(workers, "FIRST_MEMORY", 64)
    assert numbers(explore(link(), program, "step", engine="compiled")) == interpreted


@pytest.mark.parametrize("cores", [1, 2])
def test_many_bits(program, interpreted, monkeypatch, cores):
    """Keys that are given numbers of values, and values that become longer, while a search runs."""
    fewer = workers.Shared.__init__
    grow = workers.Shared.grow_key
    words = []

    def begin(self, *args):
        fewer(self, *args)
        self.bits = self.bits._replace(bit_of=self.bits.bit_of[:5])

    def count(self):
        grow(self)
        words.append(self.words)

    monkeypatch.setattr(workers.Shared, "__init__", begin)
    monkeypatch.setattr(workers.Shared, "grow_key", count)
    assert numbers(explore(link(), program, "step", engine="compiled", cores=cores)) == interpreted
    assert words == [2]


def test_a_field_that_leaves_no_marks_is_noticed(monkeypatch):
    """If a step does not say that it looked at a lock, it is taken though others hold it."""
    program = next(entry.program for entry in catalogue() if entry.name == LOCKING)
    interpreted = numbers(explore(link(), program, "step", engine="interpreted"))
    says_so = watch._Watch._says_so

    def blind(self, node):
        return getattr(node, "attr", "") != "mmap_lock" and says_so(self, node)

    monkeypatch.setattr(watch._Watch, "_says_so", blind)
    watch.watched.cache_clear()
    try:
        found = numbers(explore(link(), program, "step", engine="compiled"))
    finally:
        watch.watched.cache_clear()
    assert found != interpreted


def searched(program):
    from pagefault.explore.search import Budget, _Search

    search = _Search(link(), program, "step", Budget(), None, True)._compiled_search(6)
    for _ in search.compile():
        pass
    search.prepare()
    while not search.chunk(1000):
        pass
    return search


def numbers(result):
    return (
        (result.verdict, result.positive, result.negative, sorted(result.stuck)),
        (result.states, result.transitions, result.depth, sorted(result.breaches)),
    )
