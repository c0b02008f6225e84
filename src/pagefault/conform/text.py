"""Rows as text: differences with their schedules, the table, TAP, and the JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pagefault.conform.known import Known, explanation
from pagefault.conform.rows import Finding, Row, row_document

__all__ = ["KernelInfo", "Report"]

MOST_SHOWN = 5
"""Of the findings in one test on one kernel."""


@dataclass(frozen=True)
class KernelInfo:
    """A kernel that was asked: the name, its release, and the design that it is held against."""

    name: str
    release: str
    design: str


class Report:
    """What came of all programs on all kernels, with the reviewed list at hand."""

    def __init__(
        self, kernels: Sequence[KernelInfo], rows: Sequence[Row], known: Sequence[Known]
    ) -> None:
        self.kernels = kernels
        self.rows = rows
        self.known = known
        self._release = {kernel.name: kernel.release for kernel in kernels}

    def explains(self, row: Row, finding: Finding) -> Known | None:
        """The entry of the list that explains a finding."""
        return explanation(self.known, row, self._release[row.kernel], finding)

    def unexplained(self, row: Row) -> list[Finding]:
        """Findings that no entry explains."""
        return [finding for finding in row.findings if self.explains(row, finding) is None]

    def explained(self, row: Row) -> int:
        """How many schedules differ as an entry says."""
        return sum(f.schedules for f in row.findings if self.explains(row, f) is not None)

    @property
    def surprises(self) -> list[Row]:
        """Rows with an unexplained difference."""
        return [row for row in self.rows if self.unexplained(row)]

    @property
    def unused(self) -> list[Known]:
        """Entries of the list that are about what was run here, and explain nothing of it."""
        used = {
            entry.id
            for row in self.rows
            for finding in row.findings
            if (entry := self.explains(row, finding)) is not None
        }
        ran = [row for row in self.rows if not row.skip]
        return [
            entry
            for entry in self.known
            if entry.id not in used
            and any(entry.concerns(row, self._release[row.kernel]) for row in ran)
        ]

    # --- differences ------------------------------------------------------------------------------

    def details(self) -> list[str]:
        """Each difference: the schedule, the move, what model and kernel say."""
        lines: list[str] = []
        for row in self.rows:
            for finding in row.findings[:MOST_SHOWN]:
                lines += ["", *self._finding(row, finding)]
            if len(row.findings) > MOST_SHOWN:
                lines += ["", f"and {len(row.findings) - MOST_SHOWN} more in {row.test}"]
        return lines

    def _finding(self, row: Row, finding: Finding) -> list[str]:
        entry = self.explains(row, finding)
        head = f"Known difference {entry.id}:" if entry else "DIFFERENCE"
        lines = [
            f"{head} {row.test} on {row.kernel} ({self._release[row.kernel]}) and {row.design}",
            f"  schedule {_joined(finding.schedule)}",
        ]
        where = f"after move {len(finding.moves)}"
        more = (
            f"; {_count(finding.schedules, 'schedule')} begin so" if finding.schedules > 1 else ""
        )
        lines.append(f"  {where}, {finding.statement}{more}")
        width = max(len(d.place) for d in finding.differences)
        lines += [
            f"    {d.place:<{width}}  model {d.model}, kernel {d.kernel}"
            for d in finding.differences
        ]
        lines += [f"  | {line}" for line in finding.console.splitlines()]
        return lines

    # --- the table --------------------------------------------------------------------------------

    def table(self, every_test: bool = True) -> list[str]:
        """Tests by kernels: how many schedules agree, of how many; with the totals, and why."""
        names = list(dict.fromkeys(row.test for row in self.rows))
        by = {(row.test, row.kernel): row for row in self.rows}
        header = ["test", *(kernel.name for kernel in self.kernels)]
        body = [
            [name, *(self.cell(by[name, kernel.name]) for kernel in self.kernels)]
            for name in (names if every_test else [])
        ]
        totals = [self.totals(kernel.name) for kernel in self.kernels]
        for label, key in (
            ("schedules", "schedules"),
            ("agreed", "agreed"),
            ("explained", "explained"),
            ("unexplained", "unexplained"),
            ("skipped tests", "skipped"),
        ):
            body.append([label, *(str(total[key]) for total in totals)])
        widths = [max(len(row[n]) for row in [header, *body]) for n in range(len(header))]
        lines = [_aligned(row, widths) for row in [header, *body]]
        lines.insert(len(lines) - 5, "")
        return lines

    def cell(self, row: Row) -> str:
        """What stands in the table: `6` if all agree, `4/6` if not, `skip`, `-` for nothing."""
        if row.skip:
            return "skip"
        text = str(row.agreed) if row.agreed == row.schedules else f"{row.agreed}/{row.schedules}"
        return text + ("!" if self.unexplained(row) else "")

    def totals(self, kernel: str) -> dict[str, int]:
        """Sums over the rows of a kernel."""
        rows = [row for row in self.rows if row.kernel == kernel]
        explained = sum(self.explained(row) for row in rows)
        schedules, agreed = sum(r.schedules for r in rows), sum(r.agreed for r in rows)
        return {
            "tests": len(rows),
            "skipped": sum(1 for row in rows if row.skip),
            "schedules": schedules,
            "agreed": agreed,
            "unable": sum(row.unable for row in rows),
            "explained": explained,
            "unexplained": schedules - agreed - explained,
        }

    def skips(self) -> list[str]:
        """Why something was not run: a line for each reason."""
        reasons: dict[str, dict[str, list[str]]] = {}
        for row in self.rows:
            for reason in filter(None, [row.skip, row.why if row.unable and not row.skip else ""]):
                reasons.setdefault(reason, {}).setdefault(row.kernel, []).append(row.test)
        lines = []
        for reason, kernels in reasons.items():
            tests = list(dict.fromkeys(test for names in kernels.values() for test in names))
            shown = ", ".join(tests) if len(tests) <= 3 else f"{len(tests)} tests"
            lines.append(f"not run on {', '.join(kernels)}: {shown}: {reason}")
        return lines

    # --- TAP and JSON -----------------------------------------------------------------------------

    def tap(self) -> list[str]:
        """As the kernel's selftests print it; a known difference is an expected failure."""
        lines = ["TAP version 13", f"1..{len(self.rows)}"]
        counts = dict.fromkeys(("pass", "fail", "xfail", "xpass", "skip", "error"), 0)
        for number, row in enumerate(self.rows, 1):
            name = f"{row.kernel}: {row.test}"
            if row.skip:
                kind, line = "skip", f"ok {number} {name} # SKIP {row.skip}"
            elif self.unexplained(row):
                kind, line = "fail", f"not ok {number} {name}"
                for finding in row.findings[:MOST_SHOWN]:
                    lines += [f"# {text.strip()}" for text in self._finding(row, finding)]
            elif row.findings:
                entries = {e.id for f in row.findings if (e := self.explains(row, f)) is not None}
                kind, line = "xfail", f"ok {number} {name} # XFAIL {', '.join(sorted(entries))}"
            else:
                kind, line = "pass", f"ok {number} {name}"
            counts[kind] += 1
            lines.append(line)
        return [*lines, "# Totals: " + " ".join(f"{kind}:{n}" for kind, n in counts.items())]

    def document(self) -> dict[str, Any]:
        """The body of the JSON document (docs/json.md)."""
        return {
            "kernels": [
                {
                    "name": kernel.name,
                    "release": kernel.release,
                    "design": kernel.design,
                    **self.totals(kernel.name),
                }
                for kernel in self.kernels
            ],
            "results": [self._row(row) for row in self.rows],
            "unused": [entry.id for entry in self.unused],
        }

    def _row(self, row: Row) -> Mapping[str, Any]:
        told = row_document(row)
        for finding, document in zip(row.findings, told["findings"], strict=True):
            entry = self.explains(row, finding)
            document["known"] = entry.id if entry else None
        return told


def _aligned(words: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = words
    cells = [f"{word:>{width}}" for word, width in zip(others, widths[1:], strict=True)]
    return "  ".join([f"{first:<{widths[0]}}", *cells])


def _joined(schedule: Sequence[str]) -> str:
    return ",".join(schedule) or "(nobody moves)"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
