"""What can go wrong by the user's hand. The CLI prints it and exits with 2, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class PagefaultError(Exception):
    """Base of every error that a user can cause and can mend."""


@dataclass(eq=False)
class _LocatedError(PagefaultError):
    """An error at a place in a text: file, line and column (both from 1), and how to mend it."""

    message: str
    path: Path | str | None = None
    line: int | None = None
    column: int | None = None
    source_line: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        where = ":".join(str(x) for x in (self.path, self.line, self.column) if x is not None)
        text = f"{where}: error: {self.message}" if where else f"error: {self.message}"
        if self.source_line is not None:
            text += f"\n  {self.source_line}"
            if self.column is not None:
                pad = "".join(c if c == "\t" else " " for c in self.source_line[: self.column - 1])
                text += f"\n  {pad}^"
        if self.hint:
            text += f"\nhint: {self.hint}"
        return text


class LitmusError(_LocatedError):
    """A litmus text that does not parse or does not make sense."""


@dataclass(frozen=True)
class Place:
    """Somewhere in a litmus text, or nowhere, for what turns out to be wrong there later."""

    path: Path | str | None = None
    line: int | None = None
    column: int | None = None
    source_line: str | None = None

    def error(self, message: str, hint: str | None = None) -> LitmusError:
        """An error that points there."""
        return LitmusError(message, self.path, self.line, self.column, self.source_line, hint)


class DesignError(_LocatedError):
    """A design file that does not fit the baseline."""


class ModelError(_LocatedError):
    """A kernel path that leaves the language of paths (see CONTRIBUTING)."""


class LiveError(_LocatedError):
    """A real kernel that cannot be asked: no compiler, or a test program that failed."""


class StoreError(_LocatedError):
    """A file of results that cannot be used."""
