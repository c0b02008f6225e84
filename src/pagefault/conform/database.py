"""Results kept: what is known of a program on a kernel under a design need not be asked again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from pagefault import sources, store
from pagefault.conform.rows import Row, row_document, row_from
from pagefault.store import Store, program_hash

if TYPE_CHECKING:
    from pagefault.link import Kernel
    from pagefault.live import Backend

__all__ = ["Database", "design_hash", "program_hash"]

ASKED = ("live", "live.virtual")
COMPARED = ("conform.run",)
LATER = ("conform.known", "conform.database")
"""What changes no result."""


class Database(Store):
    """Rows by program, kernel, design and how it was asked."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS conformance (
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

    def find(self, program: str, backend: Backend, design: str, most: int) -> Row | None:
        """What is known; None if nothing is. `program` and `design` are hashes."""
        told = self._db.execute(
            "SELECT row FROM conformance"
            " WHERE program = ? AND kernel = ? AND design = ? AND asked = ?",
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
                "INSERT OR REPLACE INTO conformance VALUES (?, ?, ?, ?, ?, ?, ?)",
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


def design_hash(kernel: Kernel) -> str:
    """Of all functions of a linked kernel, and of what walks them here."""
    return store.design_hash(kernel, COMPARED, LATER)


@cache
def _asked(most: int) -> str:
    return sources.digest([sources.sources_hash(ASKED, LATER), _c_sources(), str(most)])


@cache
def _c_sources() -> str:
    """The hash of all of `live` that is no Python."""
    files = (sources.PACKAGE / "live").rglob("*.*")
    return sources.files_hash(sorted(f for f in files if f.suffix in (".c", ".h", ".j2")))
