"""Renew the tables of docs/conformance.md.

    python tools/conformance_tables.py RUN.json [RANDOM.json]...

RUN.json is what `pagefault conform -k host -k 5.10 ... --json` printed for the catalogue,
RANDOM.json the same for random programs; without one their table stays as it is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from pagefault.conform.known import load_known

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "conformance.md"
LETTERS = [f"{first}{last}" for first in ("", *ascii_lowercase) for last in ascii_lowercase]

Run = Mapping[str, Any]


def totals(run: Run) -> list[str]:
    """A row for each kernel."""
    counts = ("schedules", "agreed", "explained", "unexplained")
    names = ("kernel", "release", "held against", "tests run", "skipped", *counts)
    lines = [_row(names), "|---|---|---|" + "--:|" * (len(names) - 3)]
    for kernel in run["kernels"]:
        release = re.match(r"[\d.]*\d", kernel["release"])
        cells = [
            kernel["name"],
            release[0] if release else "?",
            f"`{kernel['design']}`",
            kernel["tests"] - kernel["skipped"],
            kernel["skipped"],
            *(kernel[key] for key in counts),
        ]
        lines.append(_row(cells))
    numbers = [sum(kernel[key] for kernel in run["kernels"]) for key in counts]
    return [*lines, _row(["all", "", "", "", "", *numbers])]


def table(run: Run) -> list[str]:
    """A row for each test, a column for each kernel; what the letters mean below."""
    names = [kernel["name"] for kernel in run["kernels"]]
    reasons: dict[str, str] = {}
    cells: dict[str, dict[str, str]] = {}
    for row in run["results"]:
        cells.setdefault(row["test"], {})[row["kernel"]] = _cell(row, reasons)
    lines = [_row(["test", *names]), "|---|" + "--:|" * len(names)]
    lines += [_row([f"`{t}`", *(by.get(n, "") for n in names)]) for t, by in cells.items()]
    return [*lines, "", *(f"- {letter}: {reason}" for reason, letter in reasons.items())]


def known(*runs: Run) -> list[str]:
    """A row for each known difference: how many schedules of these runs showed it, and why."""
    entries = load_known()
    if not entries:
        return ["None is known."]
    lines = ["| difference | schedules | why | evidence |", "|---|--:|---|---|"]
    for entry in entries:
        seen = sum(
            finding["schedules"]
            for run in runs
            for row in run["results"]
            for finding in row["findings"]
            if finding["known"] == entry.id
        )
        texts = (
            " ".join(text.split()).replace("|", "\\|") for text in (entry.reason, entry.evidence)
        )
        lines.append(_row([entry.id, f"{seen:,}", *texts]))
    return lines


def put(text: str, mark: str, lines: Sequence[str]) -> str:
    """The text with these lines between two marks."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->\n"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    assert found, f"no mark {mark!r}"
    return head + begin + "\n" + "\n".join(lines) + "\n\n" + end + tail


def _cell(row: Mapping[str, Any], reasons: dict[str, str]) -> str:
    reason = row["skip"] or (row["why"] if row["unable"] else "")
    letter = reasons.setdefault(reason, LETTERS[len(reasons)]) if reason else ""
    if row["skip"]:
        return f"skip ({letter})"
    agreed, schedules = row["agreed"], row["schedules"]
    text = str(agreed) if agreed == schedules else f"{agreed}/{schedules}"
    return f"{text} ({letter})" if letter else text


def _row(cells: Sequence[object]) -> str:
    numbers = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)
    return "| " + " | ".join(numbers) + " |"


def main(arguments: Sequence[str]) -> int:
    """Write the tables."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    runs = [json.loads(Path(name).read_text(encoding="utf-8")) for name in arguments]
    text = DOCUMENT.read_text(encoding="utf-8")
    text = put(text, "totals", totals(runs[0]))
    text = put(text, "tests", table(runs[0]))
    if len(runs) > 1:
        kernels = [kernel for run in runs[1:] for kernel in run["kernels"]]
        text = put(text, "random programs", totals({"kernels": kernels}))
        text = put(text, "known differences", known(*runs))
    DOCUMENT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
