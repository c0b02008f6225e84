"""The museum of bugs: a row for each, and what it takes to find it.

    python tools/bug_table.py            prints the table
    python tools/bug_table.py --write    renews it in docs/bugs.md

The bugs stand in litmus/bugs.txt, who has them in the claims of their tests. Each is searched once,
under the newest release that is claimed to have it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pagefault.explore.paths import Result, Trace
from pagefault.explore.search import explore
from pagefault.lang import Expectation, Program, lists, select
from pagefault.link import link

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "bugs.md"
BEGIN, END = "<!-- bugs -->\n", "<!-- end of bugs -->\n"
MAINLINE = "mainline"


@dataclass(frozen=True)
class Bug:
    """An entry of litmus/bugs.txt: its three lines of comment, and the test."""

    name: str
    range: str
    what: str
    test: str


def bugs() -> list[Bug]:
    """The entries in their order. ValueError for one without its three lines."""
    found = []
    comment: list[str] = []
    for line in lists()["bugs"].read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
            continue
        if line.strip():
            if len(comment) != 3:
                raise ValueError(f"{line}: three lines of comment go before a name")
            name, releases, what = comment
            found.append(Bug(name, releases, what, line.strip()))
        comment = []
    return found


def who_has(program: Program) -> list[Expectation]:
    """The claims of designs that answer otherwise than mainline: a promise broken before all."""
    claims = program.header.expect
    good = {grain: claim for claim in claims if claim.design == MAINLINE for grain in claim.grains}
    bad = [
        claim
        for claim in claims
        if claim.design != MAINLINE
        and any(
            grain in good and (claim.verdict, claim.breaks) != (good[grain].verdict, ())
            for grain in claim.grains
        )
    ]
    return [claim for claim in bad if claim.breaks] or bad


def chosen(claims: Sequence[Expectation]) -> Expectation:
    """The newest release that has the bug, for it has the fewest others; else the first design."""
    releases = [claim for claim in claims if re.fullmatch(r"linux-[\d.]+", claim.design)]
    return max(releases, key=lambda c: _number(c.design), default=claims[0])


def _number(release: str) -> tuple[int, ...]:
    """5.10 is after 5.9."""
    return tuple(int(n) for n in release.removeprefix("linux-").split("."))


def shown(claim: Expectation, program: Program) -> tuple[Result, Trace]:
    """The search that shows it, and its shortest trace."""
    result = explore(link(claim.design), program, claim.grains[0], engine="interpreted")
    traces = list(result.breaches.values()) or list(result.finals.values())
    return result, min(traces, key=lambda trace: len(trace.steps))


def table() -> Iterator[str]:
    """A row for each bug."""
    yield "| bug | releases; fix | what happens | test | model | breaks | steps | states | s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for bug in bugs():
        (entry,) = select([bug.test])
        claims = who_has(entry.program)
        if not claims:
            raise ValueError(f"{bug.test}: no design is claimed to have this bug")
        result, trace = shown(chosen(claims), entry.program)
        designs = ", ".join(dict.fromkeys(claim.design for claim in claims))
        cells = (
            *(bug.name, bug.range, bug.what),
            f"[`{bug.test}`](../{entry.path.resolve().relative_to(ROOT)})",
            f"{designs} ({result.grain})",
            ", ".join(result.breaches) or "other answer",
            *(str(len(trace.steps)), f"{result.states:,}", f"{result.seconds:.1f}"),
        )
        yield f"| {' | '.join(cells)} |"


def without_seconds(lines: str) -> str:
    """The table without its last column, which no two runs agree in."""
    return re.sub(r"\| [\d.]+ \|$", "|", lines, flags=re.MULTILINE)


def renewed(text: str) -> str:
    """The document with the table as the catalogue has it."""
    head, _, rest = text.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        raise SystemExit(f"{DOCUMENT.name} has no place for the table")
    lines = "\n".join(table())
    return f"{head}{BEGIN}\n{lines}\n\n{END}{tail}"


def main(arguments: Sequence[str]) -> None:
    """Print the table, or renew it."""
    if list(arguments) == ["--write"]:
        DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
        return
    print("\n".join(table()))


if __name__ == "__main__":
    main(sys.argv[1:])
