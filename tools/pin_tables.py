"""Who pins how: programs from the flags of each user, and the tables of docs/pins.md.

    python tools/pin_tables.py            prints the tables
    python tools/pin_tables.py --write    renews them in docs/pins.md

The data are in src/pagefault/mm/gup_users.toml; what becomes of a reference is searched, with the
design of each release.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pagefault.conform.run import design_for
from pagefault.explore.search import explore
from pagefault.lang import Program, parse
from pagefault.link import link
from pagefault.verdict import Verdict

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "src" / "pagefault" / "mm" / "gup_users.toml"
DOCUMENT = ROOT / "docs" / "pins.md"

RELEASES = ("5.7", "5.8", "5.9", "5.10", "5.18", "5.19", "6.1", "6.2", "6.5", "6.12")

SITUATIONS = {
    "F": ("fork after it", ["A[0] = 1", "{take}", "fork(C)"]),
    "S": ("a page that fork has shared", ["A[0] = 1", "fork(C)", "{take}"]),
    "Z": ("a page that was never written", ["{take}"]),
    "W": (
        "write-protected after it",
        ["A[0] = 1", "{take}", "mprotect(A, r)", "mprotect(A, rw)"],
    ),
}
"""A letter, what happens, and how. Then the owner stores, and the holder reads."""

HEADER = 'title = "The user takes its reference; {what}; the owner stores; the device reads"\n'

User = Mapping[str, Any]


def users() -> list[User]:
    """The entries of the data."""
    return list(tomllib.loads(DATA.read_text())["user"])


def number(release: str) -> tuple[int, ...]:
    """5.10 is after 5.9."""
    return tuple(map(int, release.split(".")))


def flags_in(user: User, release: str) -> tuple[str, ...] | None:
    """What this user asks GUP for in a release; None where there is no such user yet."""
    found = None
    for entry in user["flags"]:
        if number(entry["since"]) <= number(release):
            found = tuple(entry["flags"])
    return found


def take(flags: Collection[str]) -> str:
    """The statement that takes a reference with these flags."""
    words = ["write" if "WRITE" in flags else "read"]
    words += ["longterm"] * ("LONGTERM" in flags) + ["slow"] * ("REMOTE" in flags)
    return f"h = {'pin' if 'PIN' in flags else 'get'}(A, {', '.join(words)})"


def program(flags: Collection[str], situation: str) -> Program:
    """A litmus program of the situation; true if the device reads what was there before."""
    what, moves = SITUATIONS[situation]
    lines = ["A = mmap(anon, private, rw)", *(move.format(take=take(flags)) for move in moves)]
    lines += ["A[0] = 2", "r0 = dma_read(h)"]
    child = "process C {\n}\n" if "fork(C)" in lines else ""
    body = "\n".join(f"    {line}" for line in lines)
    return parse(
        f'+++\n{HEADER.format(what=what)}source = "gup_users.toml"\n+++\n'
        f"process P {{\n{body}\n}}\n{child}exists (P:r0 != 2)\n",
    )


@cache
def lost(flags: tuple[str, ...], situation: str, design: str) -> bool:
    """Whether the device misses the store, whatever the schedule."""
    result = explore(link(design), program(flags, situation), "op")
    assert result.verdict in (Verdict.ALWAYS, Verdict.NEVER), "one schedule, one answer"
    return result.verdict == Verdict.ALWAYS


def losses(flags: tuple[str, ...], release: str) -> str:
    """The situations in which the reference is lost in this release."""
    return "".join(s for s in SITUATIONS if lost(flags, s, design_for(release)))


def flag_table() -> Iterator[str]:
    """Who asks for what, with which rights, at whose charge."""
    yield _row(["user", "flags", "privilege", "RLIMIT_MEMLOCK", "life"])
    yield "|---|---|---|---|---|"
    for user in users():
        entries = user["flags"]
        flags = [
            ("" if len(entries) == 1 else f"{entry['since']}: ")
            + (" ".join(entry["flags"]) or "no reference")
            for entry in entries
        ]
        yield _row(
            [user["name"], "<br>".join(flags), user["privilege"], user["memlock"], user["life"]]
        )


def loss_table() -> Iterator[str]:
    """A row for each user, a column for each release: where the reference loses the page."""
    yield _row(["user", *RELEASES])
    yield "|---|" + "---|" * len(RELEASES)
    for user in users():
        cells = []
        for release in RELEASES:
            flags = flags_in(user, release)
            cells.append("" if flags is None else _cell(flags, release))
        yield _row([user["name"], *cells])


def source_table() -> Iterator[str]:
    """Where the kernel says so."""
    for user in users():
        for entry in user["flags"]:
            since = f" since {entry['since']}" if len(user["flags"]) > 1 else ""
            yield f"- {user['name']}{since}: {entry['source']}"


def _cell(flags: tuple[str, ...], release: str) -> str:
    return (losses(flags, release) or "-") if flags else "n/a"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def put(text: str, mark: str, lines: Sequence[str]) -> str:
    """The text with these lines between two marks."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->\n"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise SystemExit(f"{DOCUMENT.name} has no place for {mark}")
    return f"{head}{begin}\n{chr(10).join(lines)}\n\n{end}{tail}"


def renewed(text: str) -> str:
    """The document with its tables as the data have them."""
    tables = {"flags": flag_table(), "losses": loss_table(), "sources": source_table()}
    for mark, lines in tables.items():
        text = put(text, mark, list(lines))
    return text


def main(arguments: Sequence[str]) -> None:
    """Print the tables, or renew them."""
    if list(arguments) == ["--write"]:
        DOCUMENT.write_text(renewed(DOCUMENT.read_text()))
        return
    for table in (flag_table(), loss_table(), source_table()):
        print("\n".join(table), end="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
