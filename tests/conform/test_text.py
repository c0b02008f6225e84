"""The table, the details and TAP."""

from __future__ import annotations

from dataclasses import replace

from pagefault.conform.known import Known
from pagefault.conform.rows import Row, row_document, row_from
from pagefault.conform.text import KernelInfo, Report

KERNELS = [KernelInfo("fake", "6.12.1", "mainline")]
SKIP = Row("gup+y", "fake", "mainline", skip="needs io_uring: EPERM")
GOOD = Row("tlb+z", "fake", "mainline", schedules=6, agreed=6)
KNOWN = Known("an-id", ("cow+*",), "because", "seen")


def test_details_say_schedule_move_and_values(differing_row: Row) -> None:
    report = Report(KERNELS, [differing_row], [])
    assert report.details() == [
        "",
        "DIFFERENCE cow+x on fake (6.12.1) and mainline",
        "  schedule P,C,P",
        "  after move 2, C: r0 = A[0]",
        "    C:r0  model 1, kernel 2",
    ]


def test_table(differing_row: Row) -> None:
    assert Report(KERNELS, [differing_row, SKIP, GOOD], []).table() == [
        "test           fake",
        "cow+x          1/2!",
        "gup+y          skip",
        "tlb+z             6",
        "",
        "schedules         8",
        "agreed            7",
        "explained         0",
        "unexplained       1",
        "skipped tests     1",
    ]


def test_a_known_difference_is_no_surprise(differing_row: Row) -> None:
    report = Report(KERNELS, [differing_row], [KNOWN])
    assert report.surprises == []
    assert report.table()[1].split() == ["cow+x", "1/2"]
    assert report.details()[1].startswith("Known difference an-id: cow+x")
    assert (report.totals("fake")["explained"], report.totals("fake")["unexplained"]) == (1, 0)


def test_tap_is_as_the_selftests_print_it(differing_row: Row) -> None:
    lines = Report(KERNELS, [differing_row, SKIP, GOOD], []).tap()
    assert lines == [
        "TAP version 13",
        "1..3",
        "# DIFFERENCE cow+x on fake (6.12.1) and mainline",
        "# schedule P,C,P",
        "# after move 2, C: r0 = A[0]",
        "# C:r0  model 1, kernel 2",
        "not ok 1 fake: cow+x",
        "ok 2 fake: gup+y # SKIP needs io_uring: EPERM",
        "ok 3 fake: tlb+z",
        "# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:0",
    ]
    lines = Report(KERNELS, [differing_row], [KNOWN]).tap()
    assert "ok 1 fake: cow+x # XFAIL an-id" in lines


def test_skips_come_with_their_reasons() -> None:
    partly = replace(GOOD, unable=2, why="needs gup_test")
    assert Report(KERNELS, [SKIP, partly], []).skips() == [
        "not run on fake: gup+y: needs io_uring: EPERM",
        "not run on fake: tlb+z: needs gup_test",
    ]


def test_a_row_is_the_same_after_json(differing_row: Row) -> None:
    assert row_from(row_document(differing_row)) == differing_row
    document = Report(KERNELS, [differing_row], [KNOWN]).document()
    assert document["results"][0]["findings"][0]["known"] == "an-id"
    assert document["kernels"][0]["agreed"] == 1
