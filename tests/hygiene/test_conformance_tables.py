"""The tool that makes the tables of docs/conformance.md, and that they are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
ROW = {"test": "cow+x", "why": "", "skip": "", "unable": 0, "findings": []}
COUNTS = {"tests": 2, "skipped": 1, "agreed": 5, "explained": 1, "unexplained": 0}
RUN = {
    "kernels": [
        {
            "name": "6.1",
            "release": "6.1.0-50-amd64",
            "design": "linux-6.1",
            "schedules": 6,
            **COUNTS,
        }
    ],
    "results": [
        {**ROW, "kernel": "6.1", "schedules": 6, "agreed": 5},
        {**ROW, "test": "gup+y", "kernel": "6.1", "skip": "needs io_uring"},
    ],
}


@pytest.fixture(scope="module")
def tool(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    return load_tool("conformance_tables")


def test_rows_become_tables(tool: ModuleType) -> None:
    assert tool.totals(RUN)[2:] == [
        "| 6.1 | 6.1.0 | `linux-6.1` | 1 | 1 | 6 | 5 | 1 | 0 |",
        "| all |  |  |  |  | 6 | 5 | 1 | 0 |",
    ]
    assert tool.table(RUN)[2:] == [
        "| `cow+x` | 5/6 |",
        "| `gup+y` | skip (a) |",
        "",
        "- a: needs io_uring",
    ]


def test_the_document_has_a_place_for_each(tool: ModuleType) -> None:
    text = DOCUMENT.read_text()
    for mark in ("totals", "tests", "random programs", "known differences"):
        assert tool.put(tool.put(text, mark, ["x"]), mark, ["x"]).count(f"<!-- {mark} -->") == 1
        assert "\nx\n" in tool.put(text, mark, ["x"])


def test_without_known_differences_it_says_so(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "load_known", list)
    assert tool.known(RUN) == ["None is known."]
