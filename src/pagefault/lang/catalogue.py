"""The litmus tests that are shipped, and how the command line names them."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from pagefault.errors import LitmusError
from pagefault.lang._text import did_you_mean, read_input
from pagefault.lang.parse import load, parse
from pagefault.lang.program import Program

__all__ = ["Entry", "catalogue", "catalogue_root", "listed", "lists", "select"]

SUFFIX = ".litmus"
LIST_SUFFIX = ".txt"
STDIN = "-"


@dataclass(frozen=True)
class Entry:
    """A litmus test: `name` is the file's stem, `family` the name of the folder it lies in."""

    name: str
    family: str
    path: Path

    @cached_property
    def program(self) -> Program:
        """The parsed file, read when first asked for; LitmusError if it is wrong."""
        if self.path == Path(STDIN):
            return parse(read_input(), self.name)
        return load(self.path)

    @property
    def selector(self) -> str:
        """What names it on the command line: its path, unless the catalogue has it."""
        ours = self.path.resolve().is_relative_to(catalogue_root().resolve())
        return self.name if ours else str(self.path)


def catalogue_root() -> Path:
    """The folder of the catalogue: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for root in (package / "litmus", package.parents[1] / "litmus"):
        if root.is_dir():
            return root
    raise LitmusError(
        "the catalogue is missing", package, hint="install pagefault again, or name a file"
    )


def catalogue(root: str | Path | None = None) -> list[Entry]:
    """Every test below `root` (default: the shipped catalogue), by family and name.

    Nothing is parsed yet. LitmusError if two files have one name.
    """
    entries = _below(Path(root) if root is not None else catalogue_root())
    paths: dict[str, Path] = {}
    for entry in entries:
        if entry.name in paths:
            raise LitmusError(
                f"two tests are called {entry.name}",
                entry.path,
                hint=f"the other one is {paths[entry.name]}; a name is unique in the catalogue",
            )
        paths[entry.name] = entry.path
    return entries


def select(selectors: Sequence[str], root: str | Path | None = None) -> list[Entry]:
    """The tests that the selectors name, each once, in their order; all without selectors.

    A selector is the path of a file or folder, a list (`core`), a family (`gup/` or `gup`), a
    test's name, a glob over names or `family/name`, or `-` for standard input. LitmusError if one
    names nothing.
    """
    if not selectors:
        return catalogue(root)
    found: dict[Path, Entry] = {}
    for selector in selectors:
        for entry in _select(selector, root):
            found.setdefault(entry.path.resolve(), entry)
    return list(found.values())


def _select(selector: str, root: str | Path | None) -> list[Entry]:
    if selector == STDIN:
        return [Entry("stdin", "", Path(STDIN))]
    entries = catalogue(root)
    if selector and "\0" not in selector:
        path = Path(selector)
        try:
            if path.is_file():
                return [_entry(path)]
            if path.is_dir() and (found := _below(path)):
                return found
            is_ours = any(entry.family == selector.rstrip("/") for entry in entries)
            if os.path.lexists(path) and not is_ours and selector not in lists(root):
                raise LitmusError(_what(path), selector)
        except OSError as error:  # a name that is too long, a folder that is not ours
            raise LitmusError(f"can't read it: {error.strerror or error}", selector[:80]) from None
    if selector in (named := lists(root)):
        places = {name: i for i, name in enumerate(listed(named[selector]))}
        return sorted((e for e in entries if e.name in places), key=lambda e: places[e.name])
    word = selector.rstrip("/").removesuffix(SUFFIX)
    chosen = [e for e in entries if e.family == word or word in (e.name, f"{e.family}/{e.name}")]
    if not chosen:
        chosen = [
            e
            for e in entries
            if fnmatchcase(e.name, word) or fnmatchcase(f"{e.family}/{e.name}", word)
        ]
    if chosen:
        return chosen
    families = sorted({f"{entry.family}/" for entry in entries})
    hint = did_you_mean(selector, [*(entry.name for entry in entries), *families, *named])
    if not hint:
        hint = f"families are {' '.join(families)}; `pagefault list` shows the tests"
    raise LitmusError(f"no test, list, family, file or folder is called {selector!r}", hint=hint)


def lists(root: str | Path | None = None) -> dict[str, Path]:
    """The lists of the catalogue by name: `core` is `core.txt` at its top."""
    folder = Path(root) if root is not None else catalogue_root()
    return {path.stem: path for path in sorted(folder.glob(f"*{LIST_SUFFIX}"))}


def listed(path: Path) -> list[str]:
    """The names of tests in a list: one a line, after `#` a comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [name for line in lines if (name := line.partition("#")[0].strip())]


def _what(path: Path) -> str:
    """What something is that is neither a file nor a folder with tests."""
    if path.is_dir():
        return f"no *{SUFFIX} file is in this folder"
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return f"a link to {path.readlink()}, which does not exist"
    except OSError as error:
        return f"a link that leads nowhere: {error.strerror}"
    except RuntimeError:
        return "a link that leads to itself"
    kinds = [
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ]
    kind = next((word for test, word in kinds if test(mode)), "no regular file")
    return f"it is {kind}, not a litmus file"


def _below(root: Path) -> list[Entry]:
    return [_entry(path) for path in sorted(root.rglob(f"*{SUFFIX}")) if path.is_file()]


def _entry(path: Path) -> Entry:
    return Entry(path.stem, path.resolve().parent.name, path)
