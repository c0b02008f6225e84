"""The reviewed list of differences that stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pagefault.conform.compare import Difference
from pagefault.conform.known import Known, explanation, load_known, release_number
from pagefault.conform.rows import Row
from pagefault.conform.text import KernelInfo, Report
from pagefault.errors import LiveError

ENTRY = Known("an-id", ("cow+*",), "because", "seen")


def test_the_shipped_list_is_well_formed() -> None:
    for entry in load_known():
        assert entry.reason.strip()
        assert entry.evidence.strip()
        assert entry.tests != ("*",), f"{entry.id} is about everything"
        assert entry.statement or entry.places, f"{entry.id} would explain any difference"


@pytest.mark.parametrize(
    ("changed", "explains"),
    [
        ({}, True),
        ({"tests": ("tlb+*",)}, False),
        ({"tests": ("tlb+*", "cow+x")}, True),
        ({"designs": ("linux-*",)}, False),
        ({"designs": ("main*",)}, True),
        ({"kernels": (">=6.13",)}, False),
        ({"kernels": (">=6.1", "<6.13")}, True),
        ({"statement": r"\bfork\("}, False),
        ({"statement": r"^C: r\d = "}, True),
        ({"places": ("*@",)}, False),
        ({"places": ("*:r0",)}, True),
        ({"model": ("1",), "kernel": ("2",)}, True),
        ({"model": ("2",)}, False),
    ],
)
def test_all_that_an_entry_says_must_fit(
    differing_row: Row, changed: dict[str, object], explains: bool
) -> None:
    (finding,) = differing_row.findings
    entry = replace(ENTRY, **changed)
    assert entry.explains(differing_row, "6.12.107+deb13", finding) == explains
    found = explanation([entry], differing_row, "6.12.107+deb13", finding)
    assert found == (entry if explains else None)


def test_a_glob_of_places_means_cells_by_brackets(differing_row: Row) -> None:
    (finding,) = differing_row.findings
    cell = (Difference("P:A[1]", "1", "2"),)
    entry = replace(ENTRY, places=("*:A[1]",))
    assert entry.explains(differing_row, "6.12", replace(finding, differences=cell, end=cell))


def test_what_came_later_must_fit_too(differing_row: Row) -> None:
    (finding,) = differing_row.findings
    more = (*finding.end, Difference("P:A", "-", "1,0,0,0"))
    entry = replace(ENTRY, places=("*:r0",))
    finding = replace(finding, end=more)
    assert explanation([entry], differing_row, "6.12", finding) is None
    no_such_move = replace(ENTRY, id="later", statement="mremap")
    assert explanation([entry, no_such_move], differing_row, "6.12", finding) is None
    later = replace(no_such_move, statement="fork")
    assert explanation([entry, later], differing_row, "6.12", finding) == entry


def test_an_entry_that_explains_nothing_is_reported(differing_row: Row) -> None:
    kernels = [KernelInfo("fake", "6.12.1", "mainline")]
    unused = replace(ENTRY, id="gone", places=("*@",))
    elsewhere = replace(unused, id="elsewhere", tests=("tlb+*",))
    report = Report(kernels, [differing_row], [ENTRY, unused, elsewhere])
    assert report.unused == [unused]
    assert report.surprises == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "no TOML"),
        ("[other]\n", "only [[difference]] tables"),
        ("difference = 3\n", "only [[difference]] tables"),
        ("difference = [3]\n", "entry 1 is no table"),
        ("[[difference]]\n", "id is missing"),
        ("[[difference]]\nid = 'a'\ntests = ['*']\nreason = 'r'\n", "evidence is missing"),
        ("{} colour = 'red'", "colour means nothing"),
        ("{} places = 'P'", "places must be a list of texts"),
        ("{} places = [3]", "places must be a list of texts"),
        ("{} statement = ['P']", "statement must be a text"),
        ("{} statement = '('", "statement: "),
        ("{} kernels = ['6.1']", "is no condition"),
        ("{}\n{}", "two entries have one id"),
    ],
)
def test_a_list_that_is_not_well_formed_is_an_error(
    text: str, message: str, tmp_path: Path
) -> None:
    entry = "\n[[difference]]\nid='a'\ntests=['*']\nreason='r'\nevidence='e'\n"
    file = tmp_path / "known.toml"
    file.write_text(text.replace("{}", entry))
    with pytest.raises(LiveError) as error:
        load_known(file)
    assert message in str(error.value)


def test_a_list_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LiveError, match="can't read it"):
        load_known(tmp_path / "none.toml")


def test_releases_are_numbers() -> None:
    assert release_number("6.12.107+deb13-amd64") == (6, 12)
    assert release_number("7.2.13") > release_number("6.12") > release_number("5.10.0-32")
    assert release_number("?") == (0, 0)
