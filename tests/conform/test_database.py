"""Results are kept, and found again by program, kernel and design only."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from pagefault.conform.compare import Difference
from pagefault.conform.database import Database, default_path, design_hash, program_hash
from pagefault.conform.rows import Row
from pagefault.errors import LiveError
from pagefault.lang.generate import generate
from pagefault.link import link


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
        raw.execute("UPDATE results SET row = '{}'")
    with Database(tmp_path / "a.sqlite") as database:
        assert database.find("hash", fake(), "design", 10) is None


def test_another_version_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.sqlite") as raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(LiveError, match="version 99"):
        Database(tmp_path / "a.sqlite")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_text("no database, but some text\n" * 50)
    with pytest.raises(LiveError, match="can't use the database"):
        Database(tmp_path / "a.sqlite")
    with pytest.raises(LiveError, match="can't use the database"):
        Database(tmp_path)


def test_hashes_tell_programs_and_designs_apart() -> None:
    assert program_hash(generate(1)) == program_hash(generate(1))
    assert program_hash(generate(1)) != program_hash(generate(2))
    assert design_hash(link("mainline")) == design_hash(link("mainline"))
    assert design_hash(link("mainline")) != design_hash(link("linux-6.1"))


def test_it_stands_in_the_cache_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGEFAULT_CACHE", str(tmp_path))
    assert default_path() == tmp_path / "conform.sqlite"
