"""What came of one program on one kernel: rows of the conformance table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pagefault.conform.compare import Difference

__all__ = ["Finding", "Row", "row_document", "row_from"]


@dataclass(frozen=True)
class Finding:
    """Schedules that begin with the same moves, after which model and kernel differ first.

    `moves` are those; `statement` is the last of them, `later` are the statements that follow in
    `schedule`, one of `schedules` like it. `differences` are those after `moves`, `end` those at
    the end of all these schedules, `console` what a kernel said last that died of this one.
    """

    schedule: tuple[str, ...]
    moves: tuple[str, ...]
    statement: str
    later: tuple[str, ...]
    schedules: int
    differences: tuple[Difference, ...]
    end: tuple[Difference, ...]
    console: str = ""

    @property
    def crashed(self) -> bool:
        """Whether the kernel died of it."""
        return any(d.kernel.startswith("crashed") for d in self.end)


@dataclass(frozen=True)
class Row:
    """One program on one kernel under one design.

    `schedules` were compared, and `agreed` of them agree. `unable` could not be made on this
    kernel, `why` says for want of what. `skip` is the reason why none was made.
    """

    test: str
    kernel: str
    design: str
    schedules: int = 0
    agreed: int = 0
    unable: int = 0
    why: str = ""
    skip: str = ""
    findings: tuple[Finding, ...] = ()


def row_document(row: Row) -> dict[str, Any]:
    """A row for JSON and for the database."""
    return asdict(row)


def row_from(told: Mapping[str, Any]) -> Row:
    """The row that a document tells. KeyError or TypeError if it tells none."""
    findings = tuple(
        Finding(
            **{
                **finding,
                "schedule": tuple(finding["schedule"]),
                "moves": tuple(finding["moves"]),
                "later": tuple(finding["later"]),
                "differences": tuple(Difference(**d) for d in finding["differences"]),
                "end": tuple(Difference(**d) for d in finding["end"]),
            }
        )
        for finding in told["findings"]
    )
    return Row(**{**told, "findings": findings})
