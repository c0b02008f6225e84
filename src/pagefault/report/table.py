"""A table of tests against designs, as text and as a page, from its JSON document."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import jinja2

__all__ = ["table_html", "table_text"]

Document = dict[str, Any]

LEGEND = (
    "N Never, S Sometimes, A Always, ? Unknown; two letters: grain op, then grain step; "
    "! breaks a promise; ~ nobody claims it; X is not as claimed. A trace of any cell: "
    "pagefault explain TEST --design DESIGN --grain op|step"
)
_LETTER = {"Never": "N", "Sometimes": "S", "Always": "A", "Unknown": "?"}


def legend(document: Document) -> str:
    """What the letters mean, and how many designs have no column."""
    if not document["left_out"]:
        return LEGEND
    left_out = f"{document['left_out']} designs have no column, as no test here names them"
    return f"{LEGEND}; {left_out} (--all shows them)"


def cell_text(answers: Sequence[Document]) -> str:
    """A cell in a few letters, as LEGEND says."""
    letters = [_LETTER[a["verdict"]] + "!" * bool(a["breaks"] or a["bugs"]) for a in answers]
    text = letters[0] if len(set(letters)) == 1 else "/".join(letters)
    if any(a["surprises"] for a in answers):
        return f"{text}X"
    return text if all(a["claim"] for a in answers) else f"{text}~"


def table_text(document: Document) -> str:
    """The table, a paragraph for each design, and the source of each test's claims."""
    tests, designs = document["tests"], document["designs"]
    if not designs:
        return "nothing to do: there is no test"
    width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else 100
    lines = [*_grid(tests, [design["name"] for design in designs]), ""]
    lines += [*textwrap.wrap(legend(document), width), ""]
    for number, design in enumerate(designs, 1):
        lines += _paragraph(f"{number:>2} {design['name']}: {design['idea']}", 5, width)
        for label, words in _row(design):
            lines += _paragraph(f"     {label:<8} {words}", 14, width)
    lines.append("")
    for test in tests:
        lines += _paragraph(f"{test['name']}: {test['source']}", 4, width)
        for why, names in _reasons(test).items():
            lines += _paragraph(f"    {', '.join(names)}: {why}", 8, width)
    return "\n".join(lines)


def _grid(tests: Sequence[Document], designs: Sequence[str]) -> Iterator[str]:
    """Columns have numbers: their names stand below."""
    rows = [[cell_text(test["cells"][design]) for design in designs] for test in tests]
    widths = [
        max(len(str(number)), *(len(row[number - 1]) for row in rows))
        for number in range(1, len(designs) + 1)
    ]
    name = max(len(test["name"]) for test in tests)

    def line(head: str, cells: Iterable[str]) -> str:
        columns = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        return f"{head:<{name}}  {' '.join(columns)}".rstrip()

    yield line("", [str(number) for number in range(1, len(designs) + 1)])
    for test, row in zip(tests, rows, strict=True):
        yield line(test["name"], row)


def _row(design: Document) -> Iterator[tuple[str, str]]:
    """What a design keeps, breaks, never promised and replaces."""
    kept, promised = len(design["kept"]), len(design["kept"]) + len(design["broken"])
    yield "keeps", f"{kept} of {promised} promises" if kept < promised else f"all {kept} promises"
    if design["broken"]:
        yield "breaks", "; ".join(f"{p} ({_some(tests)})" for p, tests in design["broken"].items())
    if design["not_promised"]:
        yield "waives", ", ".join(design["not_promised"])
    yield "replaces", ", ".join(design["overrides"]) or "nothing"


def _some(tests: Sequence[str]) -> str:
    more = len(tests) - 1
    return tests[0] + (f" and {more} more" if more else "")


def _reasons(test: Document) -> dict[str, list[str]]:
    """What single claims add to the test's source: who and why, with the designs."""
    reasons: dict[str, list[str]] = {}
    for design, answers in test["cells"].items():
        for claim in (a["claim"] for a in answers if a["claim"]):
            said = ", ".join(filter(None, (claim["by"], claim["why"])))
            if said and design not in reasons.setdefault(said, []):
                reasons[said].append(design)
    return reasons


def _paragraph(text: str, indent: int, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def table_html(document: Document) -> str:
    """One page without scripts: a cell's source, or the command for its trace, is its tooltip."""
    return _template().render(
        tests=document["tests"],
        designs=document["designs"],
        legend=legend(document),
        cell=cell_text,
        about=_about,
        row=_row,
    )


def _about(test: Document, answers: Sequence[Document]) -> str:
    """What a cell says when it is asked: verdicts in full, who says so, and how to see it."""
    lines = []
    for a in answers:
        broken = f", breaks {', '.join(a['breaks'])}" if a["breaks"] else ""
        lines.append(f"{a['grain']}: {a['verdict']} {a['positive']} {a['negative']}{broken}")
        claim = a["claim"]
        if claim:
            said = [test["source"], *filter(None, (claim["by"], claim["why"]))]
            lines.append(f"claimed: {'; '.join(said)}")
        lines += [*a["surprises"], a["command"]]
    return "\n".join(lines)


@cache
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("pagefault.report", "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("table.html.j2")
