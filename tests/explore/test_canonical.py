"""The numbering of the folios: one state for all that differ in it only, and no other change."""

from __future__ import annotations

import random
from functools import cache

import pytest

from pagefault.consts import NR_PFN, PAGE_PRESENT, PAGE_TABLE, PFN_SHIFT
from pagefault.explore.canonical import RECORDS, ROOTS, Canonical, compose, invert, pte_names
from pagefault.explore.search import Budget, _Search, explore
from pagefault.lang import select
from pagefault.layout import LEAF_INDEX, LEAVES, new_state
from pagefault.link import link

RACES = ("fork+gup-fast-pin+store-dma", "tlb+munmap-mmap-store+store")


@cache
def kernel():
    return link("mainline")


@cache
def visited(name):
    """The states of a trace at grain "step", under the names that a reader sees."""
    result = explore(kernel(), select([name])[0].program, "step")
    trace = result.witness or result.counterexample
    return [trace.initial, *(step.after for step in trace.steps)]


def shuffled(seed):
    names = list(range(1, NR_PFN))
    random.Random(seed).shuffle(names)
    return (0, *names)


@pytest.mark.parametrize("name", RACES)
@pytest.mark.parametrize("seed", range(4))
def test_any_numbering_has_the_same_canonical_form(name, seed):
    canonical = Canonical(kernel())
    for state in visited(name):
        first, second = list(state), list(state)
        canonical.rename(second, shuffled(seed))
        canonical.apply(first)
        canonical.apply(second)
        assert first == second


@pytest.mark.parametrize("name", RACES)
def test_a_canonical_state_stays_as_it_is(name):
    canonical = Canonical(kernel())
    for state in visited(name):
        leaves = list(state)
        canonical.apply(leaves)
        before = list(leaves)
        assert canonical.apply(leaves) is None
        assert leaves == before


@pytest.mark.parametrize("seed", range(4))
def test_renaming_can_be_undone(seed):
    canonical = Canonical(kernel())
    names = shuffled(seed)
    assert compose(names, invert(names)) == tuple(range(NR_PFN))
    for state in visited(RACES[0]):
        leaves = list(state)
        canonical.rename(leaves, names)
        canonical.rename(leaves, invert(names))
        assert tuple(leaves) == state


def test_states_that_differ_otherwise_stay_apart():
    canonical = Canonical(kernel())
    forms = set()
    for count in (1, 2, 3):
        st = new_state()
        st.folio[count].refcount = count
        st.pin[0].pfn = count
        canonical.apply(st.leaves)
        forms.add(tuple(st.leaves))
        assert st.pin[0].pfn == 1
        assert st.folio[1].refcount == count
    assert len(forms) == 3


def test_a_free_frame_with_data_is_told_from_one_without():
    canonical = Canonical(kernel())
    st = new_state()
    st.page[9].cell[2] = 5
    canonical.apply(st.leaves)
    assert st.page[1].cell[2] == 5
    assert st.page[9].cell[2] == 0


def test_frames_of_a_larger_folio_keep_their_names():
    canonical = Canonical(kernel())
    st = new_state()
    st.folio[4].order = 2
    st.pin[0].pfn = 6
    st.pin[1].pfn = 9
    canonical.apply(st.leaves)
    assert st.folio[4].order == 2
    assert (st.pin[0].pfn, st.pin[1].pfn) == (6, 1)


@pytest.mark.parametrize(
    ("value", "pfn"),
    [
        (5 << PFN_SHIFT | PAGE_PRESENT, 5),
        (5 << PFN_SHIFT, 0),
        (5 << PFN_SHIFT | PAGE_PRESENT | PAGE_TABLE, 0),
    ],
)
def test_an_entry_names_a_frame_if_it_has_one(value, pfn):
    assert pte_names(value) == pfn


def test_every_leaf_that_holds_a_frame_is_looked_at():
    inside = {i for record in RECORDS for i in record}
    for i, leaf in enumerate(LEAVES):
        if leaf.kind:
            assert (i in ROOTS) != (i in inside), leaf.path
    assert LEAF_INDEX["cpu[0].tlb[0]"] in ROOTS
    assert LEAF_INDEX["folio[3].refcount"] in RECORDS[3]


@pytest.mark.parametrize("name", [*RACES, "tlb+dontneed-load+dontneed", "cow+fork+parent-writes"])
@pytest.mark.parametrize("design", ["mainline", "linux-5.7"])
def test_the_numbering_changes_no_answer(name, design):
    program = select([name])[0].program
    reduced = _Search(link(design), program, "step", Budget(), None, canonical=True)
    every = _Search(link(design), program, "step", Budget(), None, canonical=False)
    a, b = reduced.run(), every.run()
    assert a.states <= b.states
    assert a.verdict == b.verdict
    assert {p: len(t.steps) for p, t in a.breaches.items()} == {
        p: len(t.steps) for p, t in b.breaches.items()
    }
    # Each state that is reached at all is reached under its canonical form, and as soon.
    levels: dict[tuple[int, ...], int] = {}
    for key, level in zip(every.keys, every.level, strict=True):
        leaves = every.codec.decode(key)
        Canonical(link(design)).apply(leaves)
        levels.setdefault(tuple(leaves), level)
    assert levels == {
        tuple(reduced.codec.decode(key)): level
        for key, level in zip(reduced.keys, reduced.level, strict=True)
    }
