"""The text of a litmus file, and errors that point into it."""

from __future__ import annotations

import difflib
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pagefault.errors import LitmusError, Place

MAX_BYTES = 64 * 1024
MAX_LINE = 500
FENCE = "+++"

_EMPTY_HINT = """a litmus file is a header between +++ lines, tasks, and a condition:
    +++
    title  = "Store, and load it again"
    source = "textbook"
    +++
    process P {
        A = mmap(anon, private, rw)
        A[0] = 1
        r0 = A[0]
    }
    exists (P:r0 = 1)"""


@dataclass(frozen=True)
class Source:
    """A text with its lines (without their ends) and where it came from."""

    path: Path | None
    lines: tuple[str, ...]

    def error(
        self, message: str, line: int | None = None, column: int | None = None, hint: str = ""
    ) -> LitmusError:
        """An error at a place; `line` and `column` count from 1."""
        return self.place(line, column).error(message, hint or None)

    def place(self, line: int | None, column: int | None) -> Place:
        """A place with its line's text; `line` and `column` count from 1."""
        shown = None
        if line is not None and 1 <= line <= len(self.lines):
            shown = _printable(self.lines[line - 1])
        return Place(self.path, line, column, shown)

    def split(self) -> tuple[str, str, int]:
        """The TOML of the header, the program text, and the line number of the closing fence.

        The program text is padded with empty lines, so that its line numbers are the file's.
        """
        first = next((n for n, line in enumerate(self.lines) if line.strip()), None)
        if first is None:
            raise self.error("the file is empty", hint=_EMPTY_HINT)
        if self.lines[first].rstrip() != FENCE:
            raise self.error(
                f"no header: the first line is not {FENCE}", first + 1, 1, hint=_EMPTY_HINT
            )
        for end in range(first + 1, len(self.lines)):
            if self.lines[end].rstrip() == FENCE:
                break
        else:
            raise self.error(
                f"the header is never closed by a second {FENCE} line",
                first + 1,
                1,
                hint=f"put {FENCE} on a line of its own between the header and the first task",
            )
        header = "\n" * (first + 1) + "\n".join(self.lines[first + 1 : end])
        body = "\n" * (end + 1) + "\n".join(self.lines[end + 1 :])
        return header, body, end + 1


def source_of(text: str, path: Path | None) -> Source:
    """Check characters and sizes; a byte order mark and CRLF line ends are taken off."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    source = Source(path, tuple(text.split("\n")))
    if len(text) > MAX_BYTES:
        raise source.error(
            f"the file has {len(text)} characters; at most {MAX_BYTES} are allowed",
            hint="a litmus test is a few lines; is this another file?",
        )
    for number, line in enumerate(source.lines, 1):
        if len(line) > MAX_LINE:
            raise LitmusError(
                f"a line of {len(line)} characters; at most {MAX_LINE} are allowed",
                path,
                number,
                hint="break the line",
            )
        for column, char in enumerate(line, 1):
            if char != "\t" and unicodedata.category(char) in ("Cc", "Cs"):
                raise source.error(
                    f"control character U+{ord(char):04X}",
                    number,
                    column,
                    hint="a litmus file is plain UTF-8 text; save it again as such",
                )
    return source


def read(path: Path) -> str:
    """The text of a file; LitmusError if it can't be read or is not UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(4 * MAX_BYTES + 1)
    except OSError as error:
        raise LitmusError(f"can't read it: {error.strerror or error}", path) from None
    except ValueError as error:  # a NUL in the name
        raise LitmusError(f"can't read it: {error}", repr(str(path))) from None
    return _decoded(data, path)


def read_input() -> str:
    """The text that standard input gives."""
    if sys.stdin is None:
        raise LitmusError("standard input is closed")
    return _decoded(sys.stdin.buffer.read(4 * MAX_BYTES + 1), Path("stdin"))


def _decoded(data: bytes, path: Path) -> str:
    if len(data) > 4 * MAX_BYTES:
        raise LitmusError(
            f"the file has more than {4 * MAX_BYTES} bytes",
            path,
            hint="a litmus test is a few lines; is this another file?",
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line_start = before.rfind(b"\n") + 1
        line = data[line_start:].split(b"\n", 1)[0].decode("utf-8", "replace")
        raise LitmusError(
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            path,
            before.count(b"\n") + 1,
            len(before[line_start:].decode("utf-8", "replace")) + 1,
            _printable(line[:MAX_LINE]),
            "a litmus file is UTF-8 text; save it again as such",
        ) from None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A hint that names the nearest of `choices`, or "" if none is near."""
    choices = list(choices)
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if not near:
        lower = {choice.lower(): choice for choice in choices}
        near = [lower[word.lower()]] if word.lower() in lower else []
    return f"did you mean {near[0]}?" if near else ""


def listing(words: Iterable[str], last: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, end = list(words)
    return f"{', '.join(most)} {last} {end}" if most else end


def _printable(line: str) -> str:
    return "".join(
        "\ufffd" if c != "\t" and unicodedata.category(c) in ("Cc", "Cs") else c for c in line
    )
