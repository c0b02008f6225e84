"""Runs of model and kernel together, with a kernel made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefault.conform.database import Database
from pagefault.conform.run import Side, conform
from pagefault.conform.text import KernelInfo, Report
from pagefault.lang import Program, select
from pagefault.link import link
from pagefault.live import Unanswered

END = "C:r0=1 P:A=2,0,0,0 C:A=1,0,0,0"
DEADLY = "P,P,P,C,P"


@pytest.fixture
def program() -> Program:
    (entry,) = select(["cow+fork+parent-writes"])
    return entry.program


def say(line: str) -> str | Unanswered:
    """What the kernel would, but it dies of one schedule."""
    moves = line.rpartition(" ")[2]
    if moves == DEADLY:
        return Unanswered(line, "BUG: x", 3, "Oops: 1\nRIP: here")
    return f"run {line.split()[0]} {moves} done 5 . {END}"


def test_a_kernel_that_dies_is_a_finding(fake, program: Program, tmp_path: Path) -> None:
    backend = fake(say)
    with Database(tmp_path / "a.sqlite") as database:
        (row,) = conform([program], Side(backend, link()), 100, database)
        # It may be otherwise next time, so it is not kept.
        (again,) = conform([program], Side(backend, link()), 100, database)
    assert row == again
    assert (row.schedules, row.agreed, row.skip) == (2, 1, "")
    (finding,) = row.findings
    assert ",".join(finding.schedule) == DEADLY
    assert (len(finding.moves), finding.statement) == (4, "C: r0 = A[0]")
    assert finding.end[0].kernel == "crashed at move 4: BUG: x"
    assert finding.crashed
    # Nobody ran the beginnings of that schedule.
    assert [line.rpartition(" ")[2] for line in backend.heard] == ["P,P,P,P,C", DEADLY] * 2
    report = Report([KernelInfo("fake", "6.12", "mainline")], [row], [])
    assert report.surprises == [row]
    assert report.details()[-3:] == [
        "    end  model done, kernel crashed at move 4: BUG: x",
        "  | Oops: 1",
        "  | RIP: here",
    ]
    assert "not ok 1 fake: cow+fork+parent-writes" in report.tap()
    assert report.document()["results"][0]["findings"][0]["console"] == "Oops: 1\nRIP: here"


def test_what_was_not_run_neither_agrees_nor_differs(fake, program: Program) -> None:
    backend = fake(lambda line: Unanswered(line, "not run") if DEADLY in line else say(line))
    (row,) = conform([program], Side(backend, link()), 100)
    assert (row.schedules, row.agreed, row.unable, row.why) == (1, 1, 1, "not run")


def test_an_error_stops_the_kernel(fake, program: Program) -> None:
    backend = fake(say)
    rows = conform([program] * 600, Side(backend, link()), 100)
    next(rows)
    with pytest.raises(KeyboardInterrupt):
        rows.throw(KeyboardInterrupt())
    assert backend.stopped
