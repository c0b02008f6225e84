"""Pages that designs allocate, by cause."""

from __future__ import annotations

import json

import pytest

from pagefault.cli.app import run
from pagefault.lang import select
from pagefault.link import link
from pagefault.report.copies import allocations


@pytest.mark.parametrize(
    ("test", "design", "gup", "fork", "fault"),
    [
        ("gup+fork-pin-read-write-dma", "mainline", 1, 0, 1),  # unshared for the pin
        ("gup+fork-pin-read-write-dma", "linux-5.10", 0, 0, 2),  # copied by the store
        ("gup+pin-fork-write-dma", "mainline", 0, 1, 1),  # an early copy
        ("gup+pin-fork-write-dma", "linux-5.7", 0, 0, 2),
        ("gup+short-zero-page-write-dma", "mainline", 0, 0, 1),
        ("gup+short-zero-page-write-dma", "gup-always-writes", 1, 0, 0),
    ],
)
def test_allocations(test, design, gup, fork, fault):
    found = allocations(link(design), select([test])[0].program)
    assert found == {"gup": gup, "fork": fork, "fault": fault}


def test_the_table_has_what_differs(capfd):
    tests = ["gup+pin-fork-write-dma", "gup+pin+unpin"]
    assert run(["cost", "copies", *tests, "-d", "mainline", "-d", "linux-5.7"]) == 0
    out = capfd.readouterr().out
    assert "gup+pin-fork-write-dma  0/1/1  0/0/2" in out
    assert "gup+pin+unpin" not in out
    assert "all designs allocate alike in 1 more tests" in out
    assert run(["cost", "copies", *tests, "-d", "mainline", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["tests"][1]["allocated"]["mainline"] == {"gup": 0, "fork": 0, "fault": 1}
