"""Linux's selftests gup_longterm.c, mkdirty.c and soft-dirty.c: who passes them."""

from __future__ import annotations

import gup_longterm_c
import mkdirty_c
import pytest
import soft_dirty_c
from case import text
from cow_c import DESIGNS

from pagefault.conform.run import Side, conform, design_for
from pagefault.explore.search import explore
from pagefault.lang import parse
from pagefault.link import link
from pagefault.live import Host
from pagefault.verdict import Verdict

CASES = {**gup_longterm_c.CASES, **mkdirty_c.CASES, **soft_dirty_c.CASES}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("name", CASES)
def test_case(name: str, design: str) -> None:
    case = CASES[name]
    result = explore(link(design), parse(text(name, case), name), "op")
    can_fail = result.verdict in (Verdict.SOMETIMES, Verdict.ALWAYS)
    assert can_fail == (design in case.fails), result.verdict


def test_the_kernel_here_agrees(host: Host) -> None:
    programs = [parse(text(name, case), name) for name, case in CASES.items()]
    rows = list(conform(programs, Side(host, link(design_for(host.release))), 10))
    assert not [row for row in rows if row.findings]
    if not any(row.agreed for row in rows):
        pytest.skip(rows[0].skip)
