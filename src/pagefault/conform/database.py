"""Results kept: what is known of a program on a kernel under a design need not be asked again."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import platformdirs

from pagefault.conform.rows import Row, row_document, row_from
from pagefault.conform.sources import PACKAGE, with_imports
from pagefault.errors import LiveError
from pagefault.lang.printing import format_program
from pagefault.lang.program import Program

if TYPE_CHECKING:
    from pagefault.link import Kernel
    from pagefault.live import Backend

__all__ = ["Database", "default_path", "design_hash", "program_hash"]

VERSION = 1
SCHEMA = """
CREATE TABLE results (
    program TEXT NOT NULL,  -- hash of the litmus text
    kernel TEXT NOT NULL,   -- release and build, or hash of the image
    design TEXT NOT NULL,   -- hash of what was linked and of what walks it
    asked TEXT NOT NULL,    -- hash of the C templates and of how many schedules were asked for
    test TEXT NOT NULL,
    row TEXT NOT NULL,      -- JSON, see docs/json.md
    at TEXT NOT NULL,
    PRIMARY KEY (program, kernel, design, asked)
) WITHOUT ROWID
"""
ASKED = ("live", "live.virtual")
COMPARED = ("conform.run",)
LATER = ("conform.known", "conform.database")
"""What changes no result."""


def default_path() -> Path:
    """Where results are kept: under PAGEFAULT_CACHE, or in the user's data folder."""
    base = os.environ.get("PAGEFAULT_CACHE") or platformdirs.user_data_dir("pagefault")
    return Path(base) / "conform.sqlite"


class Database:
    """Rows by program, kernel, design and how it was asked. A context manager."""

    def __init__(self, path: Path) -> None:
        """LiveError if the file is no such database, or of another version."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise LiveError(
                f"can't use the database: {error}", path, hint="name another by --database"
            ) from None

    def _prepare(self) -> None:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._db.execute(SCHEMA)
                self._db.execute(f"PRAGMA user_version = {VERSION}")
        if version not in (0, VERSION):
            self._db.close()
            raise LiveError(
                f"the database is of version {version}, and this pagefault knows {VERSION}",
                self._path,
                hint="name another by --database, or remove it: all in it can be asked again",
            )

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def find(self, program: str, backend: Backend, design: str, most: int) -> Row | None:
        """What is known; None if nothing is. `program` and `design` are hashes."""
        told = self._db.execute(
            "SELECT row FROM results WHERE program = ? AND kernel = ? AND design = ? AND asked = ?",
            (program, backend.identity, design, _asked(most)),
        ).fetchone()
        try:
            return None if told is None else row_from(json.loads(told[0]))
        except (ValueError, KeyError, TypeError):
            return None

    def keep(
        self, rows: Iterable[tuple[str, Row]], backend: Backend, design: str, most: int
    ) -> None:
        """Keep rows by the hashes of their programs, but for what may be otherwise next time.

        That is a skip, for rights may change, and a kernel that died, or did not come back in time.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        program,
                        backend.identity,
                        design,
                        _asked(most),
                        row.test,
                        json.dumps(row_document(row)),
                        now,
                    )
                    for program, row in rows
                    if not row.skip and not _may_change(row)
                ],
            )


def _may_change(row: Row) -> bool:
    words = ("hung", "crashed")
    return any(d.kernel.startswith(words) for f in row.findings for d in (*f.differences, *f.end))


def program_hash(program: Program) -> str:
    """Of the program as it is printed; its name and header count."""
    return _digest([f"{program.name}\n{format_program(program)}"])


def design_hash(kernel: Kernel) -> str:
    """Of all functions of a linked kernel, and of what walks them here."""
    emitted = [f"{name}\n{text}" for name, text in sorted(kernel.texts.items())]
    return _digest([kernel.name, *emitted, _sources(COMPARED)])


@cache
def _asked(most: int) -> str:
    return _digest([_sources(ASKED), _c_sources(), str(most)])


@cache
def _sources(modules: tuple[str, ...]) -> str:
    """The hash of modules and of all that they import."""
    return _texts(with_imports(*modules, package=PACKAGE, without=LATER))


@cache
def _c_sources() -> str:
    """The hash of all of `live` that is no Python."""
    files = (PACKAGE / "live").rglob("*.*")
    return _texts(sorted(f for f in files if f.suffix in (".c", ".h", ".j2")))


def _texts(files: Iterable[Path]) -> str:
    return _digest(
        f"{file.relative_to(PACKAGE)}\n{file.read_text(encoding='utf-8')}" for file in files
    )


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode()
        digest.update(b"%d\n" % len(data))
        digest.update(data)
    return digest.hexdigest()[:32]
