"""The table of properties in ARCHITECTURE.md says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from pagefault.explore.promises import promises
from pagefault.link import designs, link

ROOT = Path(__file__).resolve().parents[2]
SABOTAGE = ROOT / "tests" / "sabotage"
ROW = re.compile(r"^\| `([a-z-]+)` \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "ARCHITECTURE.md").read_text())


def test_each_property_stands_with_its_own_sentence() -> None:
    written = {name: sentence for name, sentence, _, _ in ROWS}
    assert written == {p.name: p.sentence for p in promises(link())}


def test_each_kernel_that_breaks_it_is_tested_to() -> None:
    tests = (SABOTAGE / "test_promises.py").read_text()
    kernels = {path.stem for path in (SABOTAGE / "kernels").glob("*.py")}
    kernels |= {design.name for design in designs()}
    for name, _, _, breakers in ROWS:
        for kernel in re.findall(r"`(.*?)`", breakers):
            assert kernel in kernels
            assert f'("{name}", "{kernel}"' in tests


def test_each_property_says_where_it_is_judged() -> None:
    for promise, (name, _, where, _) in zip(promises(link()), ROWS, strict=True):
        assert name == promise.name
        assert ("in every state" in where) == bool(promise.always)
        assert ("at the end" in where) == bool(promise.at_end)
        assert ("in the access" in where) == (promise.bit is not None)
