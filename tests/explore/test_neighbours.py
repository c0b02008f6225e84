"""Each design of the catalogue is told from its neighbours by a test."""

from __future__ import annotations

import pytest

from pagefault.explore.search import explore
from pagefault.lang import select
from pagefault.link import designs, link

# Two designs, a test and a grain that tell them apart.
TOLD_APART = [
    ("linux-5.7", "linux-5.8", "cow+vmsplice-in-child-unmap+parent-writes", "op"),
    ("linux-5.8", "linux-5.9-rc4", "cow+vmsplice-fork-unmap+child-writes", "op"),
    ("linux-5.9-rc4", "linux-5.9", "gup+pin-fork-write-dma", "op"),
    ("linux-5.9", "linux-5.10", "fork+gup-fast-pin+store-dma", "step"),
    ("linux-5.18", "linux-5.19", "gup+pin-mprotect-write-dma", "op"),
    ("linux-6.1", "mainline", "gup+longterm-zero-page-write-dma", "op"),
    ("linux-6.4", "mainline", "fork+copying-thread+stale-store-load", "step"),
    ("gup-always-writes", "mainline", "cow+fork-vmsplice-write-read", "op"),
    ("gup-always-writes", "linus-december-2021", "cow+fork-vmsplice-write-read", "op"),
    ("gup-always-writes", "linux-5.8", "cow+get-fork-unmap+child-writes", "op"),
    ("linus-december-2021", "linux-5.10", "gup+pin-mprotect-write-dma", "op"),
    ("linus-december-2021", "mainline", "gup+short-zero-page-write-dma", "op"),
    ("linus-december-2021", "mainline", "gup+pin-unpin+fork-store", "step"),
    ("andrea-cor", "mainline", "cow+get-fork-unmap+child-writes", "op"),
    ("andrea-cor", "andrea-cor-anon", "gup+longterm-zero-page-write-dma", "op"),
    ("andrea-cor-anon", "andrea-privileged-vmsplice", "gup+fork-pin-read-write-dma", "op"),
    ("andrea-privileged-vmsplice", "linux-5.7", "gup+pin-fork-write-dma", "op"),
]

# Alike until the model has what differs, and what that is.
ALIKE = [
    ("linux-5.10", "linux-5.18", "the swap cache and the LRU's batches"),
    ("linux-5.19", "linux-6.1", "a write fault after mprotect(), which changes no answer"),
]


def answer(design: str, test: str, grain: str):
    result = explore(link(design), select([test])[0].program, grain)
    return result.verdict, tuple(sorted(result.breaches))


@pytest.mark.parametrize(("a", "b", "test", "grain"), TOLD_APART)
def test_a_test_tells_them_apart(a, b, test, grain):
    assert answer(a, test, grain) != answer(b, test, grain)


def test_each_design_has_a_neighbour():
    named = {name for a, b, *_ in TOLD_APART for name in (a, b)}
    named |= {name for a, b, _ in ALIKE for name in (a, b)}
    assert {info.name for info in designs() if not info.is_part} <= named
