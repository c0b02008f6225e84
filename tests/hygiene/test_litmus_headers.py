"""Every test of the catalogue says in a sentence what it does, and where it comes from."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from pagefault.lang import listed, lists

CATALOGUE = Path(__file__).resolve().parents[2] / "litmus"
FILES = sorted(CATALOGUE.rglob("*.litmus"))


def test_there_is_a_catalogue() -> None:
    assert FILES


def test_file_names_are_unique() -> None:
    """A file's name is the test's name, whatever its folder."""
    assert [name for name, n in Counter(path.stem for path in FILES).items() if n > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_header_has_title_and_source(path: Path) -> None:
    start, header, _ = path.read_text().split("+++", 2)
    assert start.strip() == ""
    table = tomllib.loads(header)
    title = table["title"]
    assert len(title.split()) >= 3, "a title is a sentence"
    assert "\n" not in title
    assert table["source"].strip(), "say who found it: a thread, a CVE, a commit, a selftest"


@pytest.mark.parametrize("folder", sorted({f.parent for f in FILES}), ids=lambda p: p.name)
def test_family_has_a_readme(folder: Path) -> None:
    """It asks the question that the tests of the family answer."""
    assert "?" in (folder / "README.md").read_text()


@pytest.mark.parametrize("path", lists().values(), ids=lists())
def test_lists_name_tests(path: Path) -> None:
    names = listed(path)
    assert names
    assert len(set(names)) == len(names)
    assert set(names) <= {file.stem for file in FILES}
