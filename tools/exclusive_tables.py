"""The tables of docs/exclusive.md: questions by designs, what breaks, what each check is for.

python tools/exclusive_tables.py            print them
python tools/exclusive_tables.py --write    put them into the page
"""

from __future__ import annotations

import sys
from pathlib import Path

from pagefault.explore.paths import Result
from pagefault.explore.search import explore
from pagefault.lang import select
from pagefault.link import link

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "exclusive.md"
LIST = ROOT / "litmus" / "exclusive.txt"
DESIGNS = {
    "RFC": "map-exclusive-rfc",
    "RFC huge": "map-exclusive-rfc-huge",
    "RFC fork": "map-exclusive-rfc-copied",
    "special": "map-exclusive-special",
    "special fork": "map-exclusive-special-copied",
    "ioctl": "mfd-secret-ioctl",
    "device": "exclusive-memory-device",
    "v16": "memfd-secret-v16",
    "5.14": "memfd-secret-of-5.14",
    "6.12": "mainline",
    "7.2": "linux-7.2",
    "guest": "guest-memfd-unmapped",
    "guest-": "guest-memfd-unflushed",
    "madvise": "exclusive-by-madvise",
    "madvise+": "exclusive-by-madvise-looks-first",
    "XPFO": "exclusive-by-xpfo",
    "XPFO-": "exclusive-by-xpfo-lazily",
    "pkeys": "exclusive-by-pkeys",
    "SEV": "exclusive-by-encryption",
    "PFNMAP": "exclusive-by-pfnmap",
    "two": "direct-map-of-two-users",
    "two+1": "direct-map-joined-by-one-user",
    "two+m": "direct-map-joined-by-a-manager",
    "two+l": "direct-map-joined-later",
    "two XPFO": "direct-map-with-xpfo",
    "two XPFO+1": "direct-map-with-xpfo-joined-by-one-user",
    "two XPFO+m": "direct-map-with-xpfo-joined-by-a-manager",
}
CHECKS = (
    *("gup-ignores-secretmem", "gup-fast-ignores-secretmem", "gup-fast-takes-fresh-secretmem"),
    *("secretmem-never-flushes", "secretmem-flushes-only-busy-cpus"),
    *("secretmem-frees-before-it-restores", "secretmem-races-truncate", "secretmem-may-grow"),
    *("secretmem-frees-unzeroed", "secretmem-zeroes-before-it-restores"),
    *("secretmem-is-zeroed-by-its-owner", "secretmem-takes-private", "secretmem-is-not-locked"),
    *("secretmem-is-dumped", "hibernates-with-secrets", "build-id-reads-secretmem"),
    *("mfd-secret-restores-at-close", "secretmem-moves", "rox-joins-for-itself"),
)
LETTERS = {
    "secret-does": "d",
    "secret-is": "i",
    "no-oops": "o",
    "within-memlock": "m",
    "no-lost-write": "w",
    "counts": "c",
    "private": "p",
    "no-use-after-free": "u",
    "flushed-before-freed": "f",
}
Results = dict[tuple[str, str], Result]


def questions() -> list[tuple[str, list[str]]]:
    """The list's comments, each with the tests that stand under it."""
    found: list[tuple[str, list[str]]] = []
    for line in LIST.read_text().splitlines()[3:]:
        if line.startswith("#"):
            found.append((line[2:], []))
        elif line:
            found[-1][1].append(line)
    return found


def answers(design: str, tests: list[str]) -> Results:
    """By test and grain."""
    kernel = link(design)
    programs = {test: select([test])[0].program for test in tests}
    return {
        (test, grain): explore(kernel, program, grain)
        for test, program in programs.items()
        for grain in ("op", "step")
    }


def cell(op: Result, step: Result) -> str:
    """Verdicts of both grains, if they differ, and what breaks in either."""
    verdicts = {str(r.verdict.value)[0]: None for r in (op, step)}
    unknown = sorted({*op.breaches, *step.breaches} - LETTERS.keys())
    assert not unknown, unknown
    broken = "".join(x for name, x in LETTERS.items() if name in op.breaches)
    later = "".join(
        x for name, x in LETTERS.items() if name in step.breaches and name not in op.breaches
    )
    return "/".join(verdicts) + (f" {broken}" if broken else "") + (f" ({later})" if later else "")


def by_question(found: dict[str, Results]) -> list[str]:
    """The table of questions."""
    lines = [f"| question | test | {' | '.join(DESIGNS)} |", "|---" * (len(DESIGNS) + 2) + "|"]
    for question, tests in questions():
        for i, test in enumerate(tests):
            row = [cell(found[d][test, "op"], found[d][test, "step"]) for d in DESIGNS.values()]
            name = test.removeprefix("exclusive+")
            lines.append(f"| {question if i == 0 else ''} | `{name}` | {' | '.join(row)} |")
    return lines


def breaks(found: Results, beyond: Results | None = None) -> str:
    """Each promise that breaks, where by the shortest trace, and in how many tests."""
    said = []
    for name in LETTERS:
        traces = [
            (len(r.breaches[name].steps), test, grain)
            for (test, grain), r in found.items()
            if name in r.breaches and (beyond is None or name not in beyond[test, grain].breaches)
        ]
        if traces:
            steps, test, grain = min(traces)
            tests = len({t for _, t, _ in traces})
            said.append(f"`{name}`: {tests} ({steps} steps at {grain}, `{test}`)")
    return "; ".join(said) or "nothing"


def by_design(found: dict[str, Results]) -> list[str]:
    """The table of designs."""
    lines = [
        "| | design | breaks, in so many tests (by its shortest trace) | replaces |",
        "|---" * 4 + "|",
    ]
    for short, design in DESIGNS.items():
        count = len(link(design).overrides)
        lines.append(f"| {short} | `{design}` | {breaks(found[design])} | {count} |")
    return lines


def by_check(found: dict[str, Results], base: Results) -> list[str]:
    """The table of parts that leave out one check each."""
    lines = ["| as mainline, but | breaks besides | closes |", "|---" * 3 + "|"]
    lines += [
        f"| `{part}` | {breaks(found[part], base)} | {breaks(base, found[part])} |"
        for part in CHECKS
    ]
    return lines


def main() -> None:
    """Print the tables, or write them."""
    tests = [test for _, named in questions() for test in named]
    found = {name: answers(name, tests) for name in (*DESIGNS.values(), *CHECKS)}
    tables = {
        "questions": by_question(found),
        "designs": by_design(found),
        "checks": by_check(found, found["mainline"]),
    }
    if "--write" not in sys.argv:
        print("\n\n".join("\n".join(lines) for lines in tables.values()))
        return
    text = PAGE.read_text()
    for name, lines in tables.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        text = before + start + "\n\n" + "\n".join(lines) + "\n\n" + end + rest.partition(end)[2]
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
