"""Renew the tables of docs/mutation.md and docs/mutants.csv: python tools/mutation_tables.py

The figures are those of a run; a survivor keeps the reason that stands beside it, a new one gets a
question mark, and one that is caught by now goes. The test that caught a mutant last time is asked
first, so that only new mutants and survivors go through the whole catalogue.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from pathlib import Path

from pagefault.lang import select
from pagefault.link import link
from pagefault.mutate import Mutant, Trial, Verdict, mutants, plan, recall, run
from pagefault.mutate.mutants import KINDS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "mutation.md"
LIST = DOCUMENT.with_name("mutants.csv")
MAX_STATES = 20_000
WORKERS = 2
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


def recalled(todo: list[Mutant]) -> list[Trial]:
    """The trials of the tests that caught mutants of the same functions last time."""
    known = {entry.name for entry in select([])}
    functions = defaultdict(set)
    if LIST.exists():
        caught = dict(csv.reader(LIST.read_text(encoding="utf-8").splitlines()))
        for mutant in todo:
            if (test := caught.get(mutant.name)) in known:
                functions[test].add(mutant.function)
    return recall(functions, MAX_STATES)


def judged(todo: list[Mutant]) -> list[Verdict]:
    """The verdict on each mutant, in their order."""
    verdicts = {v.mutant.name: v for v in run(todo, recalled(todo), MAX_STATES, WORKERS)}
    if left := [v.mutant for v in verdicts.values() if not v.is_caught]:
        print(f"{len(todo) - len(left)} caught as before, {len(left)} to ask all", file=sys.stderr)
        for verdict in run(left, plan(select([]), MAX_STATES), MAX_STATES, WORKERS):
            verdicts[verdict.mutant.name] = verdict
    return list(verdicts.values())


def main() -> int:
    """Judge every mutant and write the tables and the list."""
    verdicts = judged(mutants(link()))
    text = DOCUMENT.read_text(encoding="utf-8")
    known = reasons(text)
    text = put(text, "figures", figures(verdicts))
    text = put(text, "survivors", survivors(verdicts, known))
    DOCUMENT.write_text(text, encoding="utf-8")
    with LIST.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerows((v.mutant.name, v.test) for v in verdicts if v.is_caught)
    return 0


if __name__ == "__main__":
    sys.exit(main())
