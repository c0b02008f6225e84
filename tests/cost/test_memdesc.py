"""The costs of tracking kernel pages, against a naive count that walks page by page."""

from __future__ import annotations

import json

import pytest

from pagefault.cli.app import run
from pagefault.cost.memdesc import SIZES, report

SMALL = (1, 2, 3, 8, 64)


def by_hand(design, struct_page, pages):
    """Allocate, map, pin page 0, unmap and free, one operation after the other."""
    size = 72 + 72
    kind = design.split(":")[0]
    for _ in range(pages):
        size += struct_page  # the memory map
        size += 8  # vm_struct->pages
        if kind == "option 1" and struct_page < 64:
            size += 16
        if kind == "kmem" and struct_page == 8:
            size += 8
    size += {"option 3": 8, "option 4": 16}.get(kind, 0)

    atomics = 0
    page_refs = [1] * pages
    area_refs = 1
    for n in range(pages):
        if kind in ("today", "option 1"):
            page_refs[n] += 1
            atomics += 2  # refcount and mapcount
        if kind == "kmem":
            page_refs[n] += 1
            atomics += 1
    if kind in ("option 3", "option 4"):
        area_refs += 1
        atomics += 1

    pinned = None
    if kind != "option 2":
        pinned = 1
        if kind in ("option 3", "option 4"):
            area_refs += 1
        else:
            page_refs[0] += 1

    # Unmap and free.
    if kind in ("option 3", "option 4"):
        area_refs -= 2
        kept = pages if area_refs else 0
    else:
        page_refs = [n - 1 - (kind != "option 2") for n in page_refs]
        kept = sum(n > 0 for n in page_refs)
    return size / pages, atomics, pinned, kept * 4096


def test_counts_are_those_of_a_naive_count():
    rows = report(SMALL).rows
    assert len(rows) == len(SMALL) * (2 + 5 * 3)
    for row in rows:
        found = (row.bytes_per_page, row.map_atomics, row.pin_atomics, row.retained)
        assert found == by_hand(row.design, row.struct_page, row.pages), row


def test_a_pin_keeps_a_page_or_all():
    kept = {row.design: row.retained for row in report().rows if row.pages == SIZES[-1]}
    assert kept["today"] == 4096
    assert kept["option 3: count in vm_struct"] == 1 << 30


def test_command(capsys):
    run(["cost", "memdesc", "--size", "64KiB", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "memdesc"
    assert {row["pages"] for row in document["rows"]} == {16}
    run(["cost", "memdesc"])
    assert "1 GiB" in capsys.readouterr().out


def test_plot(tmp_path):
    pytest.importorskip("matplotlib")
    run(["cost", "memdesc", "--plot", str(tmp_path / "a.svg")])
    assert (tmp_path / "a.svg").stat().st_size


@pytest.mark.parametrize("name", ["a", "a.foo", ".svg"])
def test_a_plot_that_has_no_format_is_refused_before_anything_is_measured(name, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert run(["cost", "notifier", "--plot", str(tmp_path / name)]) == 2
    assert "the name of a plot ends in its format" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
