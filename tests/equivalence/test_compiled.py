"""The compiled search finds what the interpreted one does, number for number.

tests/equivalence/test_catalogue.py compares the interpreted steps with the original generators.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from claims import claims

from pagefault.explore.search import Budget, explore
from pagefault.lang import catalogue
from pagefault.link import link

SMALL = Budget(states=500)
CLAIMS = [
    pytest.param(entry, claim.design, grain, id=f"{entry.name}@{claim.design}-{grain}")
    for entry, claim in claims()
    for grain in claim.grains
]


@pytest.mark.parametrize(("entry", "design", "grain"), CLAIMS)
def test_compiled_equals_interpreted(entry, design, grain):
    kernel = link(design)
    slow = explore(kernel, entry.program, grain, SMALL, engine="interpreted")
    if slow.unknown_reason:
        return  # larger than this comparison covers
    fast = explore(kernel, entry.program, grain, engine="compiled")
    assert numbers(fast) == numbers(slow)


def numbers(result):
    steps = {name: len(result.breaches[name].steps) for name in result.breaches}
    finals = {name: len(result.finals[name].steps) for name in result.finals}
    return (
        (result.verdict, result.positive, result.negative, result.stuck),
        (result.states, result.transitions, result.depth, steps, finals),
    )


KERNELS = Path(__file__).parents[1] / "sabotage" / "kernels"
ENTRIES = {entry.name: entry for entry in catalogue()}


@pytest.mark.parametrize(
    ("kernel", "test"),
    [
        ("maps_without_a_reference", "cow+fork+child-dontneed"),
        ("zaps_without_a_flush", "tlb+mprotect-load-load+store"),
        ("forgets_to_unlock", "cow+fork+parent-writes"),
        ("follows_for_ever", "gup+fork-pin-read-write-dma"),
    ],
)
def test_compiled_catches_what_interpreted_catches(kernel, test):
    kernel = link(KERNELS / f"{kernel}.py")
    slow = explore(kernel, ENTRIES[test].program, "step", engine="interpreted")
    fast = explore(kernel, ENTRIES[test].program, "step", engine="compiled")
    assert slow.breaches
    assert numbers(fast) == numbers(slow)
