"""One file for what was found out and need not be asked again: SQLite, for several processes.

Who keeps something brings a table of his own (conform/database.py, campaign/database.py). Keys are
hashes of all that an answer goes through, so what stands there is true as long as it is found.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import platformdirs

from pagefault.errors import StoreError
from pagefault.lang.printing import format_program
from pagefault.lang.program import Program
from pagefault.sources import digest, sources_hash

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = ["Store", "default_path", "design_hash", "program_hash"]

VERSION = 1


def default_path() -> Path:
    """Where results are kept: under PAGEFAULT_CACHE, or in the user's data folder."""
    base = os.environ.get("PAGEFAULT_CACHE") or platformdirs.user_data_dir("pagefault")
    return Path(base) / "results.sqlite"


class Store:
    """The file, with the tables of whoever opened it. A context manager."""

    SCHEMA = ""
    """`CREATE TABLE IF NOT EXISTS` of a class that has tables."""

    def __init__(self, path: Path) -> None:
        """StoreError if the file is no such database, or of another version."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"can't use the database: {error}", path, hint="name another by --database"
            ) from None

    def _prepare(self) -> None:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version in (0, VERSION):
                for table in filter(str.strip, self.SCHEMA.split(";")):
                    self._db.execute(table)
                self._db.execute(f"PRAGMA user_version = {VERSION}")
        if version not in (0, VERSION):
            self._db.close()
            raise StoreError(
                f"the database is of version {version}, and this pagefault knows {VERSION}",
                self._path,
                hint="name another by --database, or remove it: all in it can be asked again",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()


def program_hash(program: Program) -> str:
    """Of the program as it is printed; its name and header count."""
    return digest([f"{program.name}\n{format_program(program)}"])


def design_hash(kernel: Kernel, walked_by: tuple[str, ...], without: tuple[str, ...] = ()) -> str:
    """Of all functions of a linked kernel, and of the modules that walk them."""
    emitted = [f"{name}\n{text}" for name, text in sorted(kernel.texts.items())]
    return digest([kernel.name, *emitted, sources_hash(walked_by, without)])
