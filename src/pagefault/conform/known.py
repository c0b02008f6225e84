"""Differences that stand: the reviewed list, and which of them explains a finding."""

from __future__ import annotations

import operator
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pagefault.conform.compare import Difference
from pagefault.conform.rows import Finding, Row
from pagefault.errors import LiveError

__all__ = ["SHIPPED", "Known", "explanation", "load_known", "release_number"]

SHIPPED = Path(__file__).with_name("known.toml")
"""The list that comes with the package."""

_NEEDED = {"id": str, "tests": list, "reason": str, "evidence": str}
_LISTS = ("kernels", "designs", "places", "model", "kernel")
_ALLOWED = {**_NEEDED, **dict.fromkeys(_LISTS, list), "statement": str}
_CONDITION = re.compile(r"(<=|>=|<|>|==)\s*(\d+)\.(\d+)")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Known:
    """One entry of the list; see the head of known.toml."""

    id: str
    tests: tuple[str, ...]
    reason: str
    evidence: str
    kernels: tuple[str, ...] = ()
    designs: tuple[str, ...] = ()
    statement: str = ""
    places: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    kernel: tuple[str, ...] = ()

    def concerns(self, row: Row, release: str) -> bool:
        """Whether it is about this test, on a kernel of this release, under this design."""
        return (
            _any(self.tests, row.test)
            and (not self.designs or _any(self.designs, row.design))
            and all(_holds(condition, release) for condition in self.kernels)
        )

    def explains(self, row: Row, release: str, finding: Finding) -> bool:
        """Whether this is what was found first."""
        return (
            self.concerns(row, release)
            and re.search(self.statement, finding.statement) is not None
            and all(map(self.fits, finding.differences))
        )

    def may_follow(self, row: Row, release: str, finding: Finding) -> bool:
        """Whether this, too, may have come of what happened later in the schedule."""
        return self.concerns(row, release) and any(
            re.search(self.statement, statement) for statement in finding.later
        )

    def fits(self, difference: Difference) -> bool:
        """Whether place and values are such as it is about."""
        return all(
            not globs or _any(globs, value)
            for globs, value in (
                (self.places, difference.place),
                (self.model, difference.model),
                (self.kernel, difference.kernel),
            )
        )


def load_known(path: Path = SHIPPED) -> list[Known]:
    """The entries of a list. LiveError if it is not well-formed."""
    try:
        told: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LiveError(f"can't read it: {error.strerror}", path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LiveError(f"no TOML: {error}", path) from None
    entries: Any = told.get("difference", [])
    if set(told) - {"difference"} or type(entries) is not list:
        raise LiveError("only [[difference]] tables belong here", path)
    found = [_entry(number, entry, path) for number, entry in enumerate(entries, 1)]
    ids = [entry.id for entry in found]
    if len(set(ids)) < len(ids):
        raise LiveError("two entries have one id", path)
    return found


def explanation(known: Sequence[Known], row: Row, release: str, finding: Finding) -> Known | None:
    """The first entry that explains a finding; None if it is new.

    What differs at the end must be of that entry's sort, or of one that the statements behind the
    finding may bring.
    """
    later = [entry for entry in known if entry.may_follow(row, release, finding)]
    for entry in known:
        if entry.explains(row, release, finding) and all(
            any(e.fits(difference) for e in (entry, *later)) for difference in finding.end
        ):
            return entry
    return None


def release_number(release: str) -> tuple[int, int]:
    """(6, 12) of `6.12.107+deb13-amd64`; (0, 0) of what is no release."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _entry(number: int, entry: Any, path: Path) -> Known:
    if not isinstance(entry, dict):
        raise LiveError(f"entry {number} is no table", path)
    where = f"entry {number} ({entry.get('id', 'without id')})"
    for key in _NEEDED:
        if not entry.get(key):
            raise LiveError(f"{where}: {key} is missing", path)
    for key, value in entry.items():
        if key not in _ALLOWED:
            raise LiveError(f"{where}: {key} means nothing", path, hint=f"there are: {_words()}")
        if not _is_list_of_texts(value if _ALLOWED[key] is list else [value]):
            kind = "a list of texts" if _ALLOWED[key] is list else "a text"
            raise LiveError(f"{where}: {key} must be {kind}", path)
    for condition in entry.get("kernels", []):
        if not _CONDITION.fullmatch(condition):
            raise LiveError(f'{where}: {condition!r} is no condition such as ">=6.17"', path)
    try:
        re.compile(entry.get("statement", ""))
    except re.error as error:
        raise LiveError(f"{where}: statement: {error}", path) from None
    fields: dict[str, Any] = {k: tuple(v) if type(v) is list else v for k, v in entry.items()}
    return Known(**fields)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _words() -> str:
    return ", ".join(_ALLOWED)


def _any(globs: Sequence[str], name: str) -> bool:
    # In a glob [1] is a set of characters; here it is a cell.
    return any(fnmatchcase(name, glob.replace("[", "[[]")) for glob in globs)


def _holds(condition: str, release: str) -> bool:
    match = _CONDITION.fullmatch(condition)
    assert match is not None
    return _SIGNS[match[1]](release_number(release), (int(match[2]), int(match[3])))
