"""Runs of model and kernel together, with a kernel made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefault.conform.database import Database
from pagefault.conform.model import Model
from pagefault.conform.run import Side, conform
from pagefault.conform.text import KernelInfo, Report
from pagefault.lang import Program, select
from pagefault.link import link
from pagefault.live import Host, Unanswered

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


def test_what_hung_is_asked_once_more(fake, program: Program) -> None:
    asked: list[str] = []

    def slow(line: str) -> str:
        moves = line.rpartition(" ")[2]
        asked.append(moves)
        hangs = moves == DEADLY and asked.count(moves) == 1
        return f"run 0 {moves} hung 1 ." if hangs else f"run 0 {moves} done 5 . {END}"

    (row,) = conform([program], Side(fake(slow), link()), 100)
    assert (row.schedules, row.agreed) == (2, 2)
    assert asked == ["P,P,P,P,C", DEADLY, DEADLY]


def test_an_error_stops_the_kernel(fake, program: Program) -> None:
    backend = fake(say)
    rows = conform([program] * 600, Side(backend, link()), 100)
    next(rows)
    with pytest.raises(KeyboardInterrupt):
        rows.throw(KeyboardInterrupt())
    assert backend.stopped


@pytest.mark.parametrize(
    ("said", "design"),
    [
        ("Linux 6.12.1 x86_64 lru_gen=0x0007", "mainline"),
        ("Linux 6.12.1 x86_64 lru_gen=0x0000", "mainline+classic-lru"),
        ("Linux 6.12.1 x86_64", "mainline+classic-lru"),
    ],
)
def test_a_kernel_is_held_against_the_lru_lists_that_it_has(said: str, design: str) -> None:
    side = Side(Host(), link(), link("mainline+classic-lru"))
    assert side.design(said).name == design
    assert Side(Host(), link()).design(said).name == "mainline"


def test_the_two_kinds_of_lru_lists_differ() -> None:
    """Seen in Linux 6.12: both pages go with lru_gen/enabled=0, one stays with 7."""
    (entry,) = select(["droppable+two-pages-reclaim_file"])

    def pages_left(design: str) -> set[tuple[int, int]]:
        outcomes = Model(link(design), entry.program).answer(("P",) * 6)
        return {(o.registers["P:r1"], o.registers["P:r2"]) for o in outcomes}

    assert pages_left("mainline+classic-lru") == {(0, 0)}
    assert pages_left("mainline") == {(0, 0), (0, 2), (1, 0), (1, 2)}
