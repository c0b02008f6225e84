"""Results are kept, and found again by program, kernel and design only."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from pagefault import sources
from pagefault.conform import database
from pagefault.conform.compare import Difference
from pagefault.conform.database import Database, design_hash, program_hash
from pagefault.conform.rows import Row
from pagefault.errors import StoreError
from pagefault.lang.generate import generate
from pagefault.link import link
from pagefault.sources import PACKAGE
from pagefault.store import default_path


def test_rows_survive(tmp_path: Path, differing_row: Row, fake) -> None:
    with Database(tmp_path / "deep" / "a.sqlite") as database:
        database.keep([("hash", differing_row)], fake(), "design", 10)
    with Database(tmp_path / "deep" / "a.sqlite") as database:
        assert database.find("hash", fake(), "design", 10) == differing_row
        assert database.find("other", fake(), "design", 10) is None
        assert database.find("hash", fake(identity="6.13"), "design", 10) is None
        assert database.find("hash", fake(), "another", 10) is None
        assert database.find("hash", fake(), "design", 11) is None
        database.keep([("hash", replace(differing_row, agreed=2))], fake(), "design", 10)
        found = database.find("hash", fake(), "design", 10)
        assert found is not None
        assert found.agreed == 2


def test_a_skip_is_not_kept(tmp_path: Path, fake) -> None:
    with Database(tmp_path / "a.sqlite") as database:
        row = Row("cow+x", "fake", "mainline", skip="no io_uring")
        database.keep([("hash", row)], fake(), "design", 10)
        assert database.find("hash", fake(), "design", 10) is None


def test_what_hung_is_not_kept(tmp_path: Path, differing_row: Row, fake) -> None:
    (finding,) = differing_row.findings
    hung = replace(finding, end=(Difference("end", "done", "hung at move 3"),))
    with Database(tmp_path / "a.sqlite") as database:
        database.keep([("hash", replace(differing_row, findings=(hung,)))], fake(), "design", 10)
        assert database.find("hash", fake(), "design", 10) is None


def test_a_row_that_makes_no_sense_is_not_known(tmp_path: Path, differing_row: Row, fake) -> None:
    with Database(tmp_path / "a.sqlite") as database:
        database.keep([("hash", differing_row)], fake(), "design", 10)
    with sqlite3.connect(tmp_path / "a.sqlite") as raw:
        raw.execute("UPDATE conformance SET row = '{}'")
    with Database(tmp_path / "a.sqlite") as database:
        assert database.find("hash", fake(), "design", 10) is None


def test_another_version_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.sqlite") as raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        Database(tmp_path / "a.sqlite")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_text("no database, but some text\n" * 50)
    with pytest.raises(StoreError, match="can't use the database"):
        Database(tmp_path / "a.sqlite")
    with pytest.raises(StoreError, match="can't use the database"):
        Database(tmp_path)


def test_hashes_tell_programs_and_designs_apart() -> None:
    assert program_hash(generate(1)) == program_hash(generate(1))
    assert program_hash(generate(1)) != program_hash(generate(2))
    assert design_hash(link("mainline")) == design_hash(link("mainline"))
    assert design_hash(link("mainline")) != design_hash(link("linux-6.1"))


THROUGH = (
    "conform/model.py",
    "conform/compare.py",
    "conform/run.py",
    "explore/canonical.py",
    "explore/codec.py",
    "explore/condition.py",
    "explore/engine.py",
    "explore/lower.py",
    "lang/schedule.py",
    "layout.py",
    "live/outcome.py",
)
ASKED = (
    "live/backend.py",
    "live/emit.py",
    "live/pins.py",
    "live/virtual.py",
    "lang/verbs.py",
    "live/templates/turns.c",
    "live/templates/pins/ring.c",
    "live/templates/program.c.j2",
)
KEPT = ("conform/known.py", "conform/database.py", "conform/text.py", "cli/conform.py")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(PACKAGE, tmp_path_factory.mktemp("copy") / "pagefault")


def keys(package: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What a result is found by, of a package that stands there: design and question."""
    monkeypatch.setattr(sources, "PACKAGE", package)
    for cached in (sources.sources_hash, database._c_sources, database._asked):
        cached.cache_clear()
    try:
        return design_hash(link()), database._asked(10)
    finally:
        for cached in (sources.sources_hash, database._c_sources, database._asked):
            cached.cache_clear()


@pytest.mark.parametrize("file", [*THROUGH, *ASKED, *KEPT])
def test_an_edit_of_what_an_answer_goes_through_is_another_key(
    file: str, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(copied, monkeypatch)
    path = copied / file
    text = path.read_text()
    path.write_text(f"{text}\n")
    after = keys(copied, monkeypatch)
    path.write_text(text)
    assert keys(copied, monkeypatch) == before
    if file in THROUGH:
        assert after[0] != before[0]
    if file in ASKED:
        assert after[1] != before[1]
    assert (after == before) == (file in KEPT)


def test_it_stands_in_the_cache_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGEFAULT_CACHE", str(tmp_path))
    assert default_path() == tmp_path / "results.sqlite"
