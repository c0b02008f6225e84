"""Renew the tables of docs/mutation.md: python tools/mutation_tables.py

The figures are those of a run; a survivor keeps the reason that stands beside it, a new one gets a
question mark, and one that is caught by now goes.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pagefault.lang import select
from pagefault.link import link
from pagefault.mutate import Verdict, mutants, plan, run
from pagefault.mutate.mutants import KINDS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "mutation.md"
MAX_STATES = 20_000
ROW = re.compile(r"^\| `\w+/\w+\.py` \| `(?P<name>.+)` \| (?P<reason>.+) \|$", re.MULTILINE)


def reasons(text: str) -> dict[str, str]:
    """The survivors that a document names, each with its reason."""
    return {row["name"].replace("\\|", "|"): row["reason"] for row in ROW.finditer(text)}


def figures(verdicts: list[Verdict]) -> str:
    """How many mutants of each kind are caught."""
    lines = ["| left out | mutants | caught |", "|---|---|---|"]
    for kind in (*KINDS, ""):
        chosen = [v for v in verdicts if kind in ("", v.mutant.kind)]
        caught = sum(v.is_caught for v in chosen)
        lines.append(f"| {kind or 'all'} | {len(chosen)} | {caught} |")
    return "\n".join(lines)


def survivors(verdicts: list[Verdict], known: dict[str, str]) -> str:
    """Each survivor with its reason."""
    lines = ["| file | left out | why nobody notices |", "|---|---|---|"]
    for mutant in (v.mutant for v in verdicts if not v.is_caught):
        reason = known.get(mutant.name, "?")
        name = mutant.name.replace("|", "\\|")
        lines.append(f"| `{mutant.file}` | `{name}` | {reason} |")
    return "\n".join(lines)


def put(text: str, mark: str, table: str) -> str:
    """The text with a table behind a mark, in the place of the one that stood there."""
    return re.sub(
        rf"(<!-- {mark} -->\n)(\n\|(.*\n)*?(?=\n|\Z))?",
        lambda found: f"{found[1]}\n{table}\n",
        text,
    )


def main() -> int:
    """Run every mutant and write the tables."""
    verdicts = list(run(mutants(link()), plan(select([]), MAX_STATES), MAX_STATES, workers=2))
    text = DOCUMENT.read_text(encoding="utf-8")
    known = reasons(text)
    text = put(text, "figures", figures(verdicts))
    text = put(text, "survivors", survivors(verdicts, known))
    DOCUMENT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
