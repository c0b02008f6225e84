"""Linux's selftest cow.c passes on the kernels where it passes, and fails where it fails."""

from __future__ import annotations

from itertools import product

import pytest
from cow_c import CASES, DESIGNS, HUGE_KINDS, KINDS, text

from pagefault.explore.search import explore
from pagefault.lang import parse
from pagefault.link import link
from pagefault.verdict import Verdict

PAIRS = list(product(CASES, (*KINDS, *HUGE_KINDS)))


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("name", "kind"), PAIRS, ids=map("+".join, PAIRS))
def test_case(name: str, kind: str, design: str) -> None:
    result = explore(link(design), parse(text(name, kind), name), "op")
    can_fail = result.verdict in (Verdict.SOMETIMES, Verdict.ALWAYS)
    assert can_fail == (design in CASES[name].fails_as(kind)), result.verdict
