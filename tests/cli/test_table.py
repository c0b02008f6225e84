"""`pagefault table`: a cell for each test and design, what each design keeps, and exit codes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from pagefault.cli import tabulating
from pagefault.cli.app import run
from pagefault.cli.options import all_columns, columns_for
from pagefault.explore.search import Budget
from pagefault.lang import select
from pagefault.report.table import cell_text

LEAK = """+++
title = "A child vmsplices a page and unmaps it; then the parent writes"
source = "CVE-2020-29374 & more"
[expect]
"linux-5.7" = {{ verdict = "{verdict}", grain = "both", breaks = "private", why = "mapcount" }}
+++
process P {{
    A = mmap(anon, private, rw)
    A[0] = 1
    fork(C)
    A[0] = 2
}}
process C {{
    vmsplice(A, p)
    munmap(A)
    r0 = read(p)
}}
exists (C:r0 = 2)
"""


@pytest.fixture
def table(capfd, tmp_path):
    """Makes a table of one test under two designs; its exit code and what it printed."""

    def call(*options, verdict="Sometimes"):
        test = tmp_path / "leak.litmus"
        test.write_text(LEAK.format(verdict=verdict))
        code = run(["table", str(test), "-d", "linux-5.7", "-d", "mainline", "-j", "1", *options])
        return code, capfd.readouterr().out

    return call


def test_text(table):
    code, out = table()
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["1", "2"]
    assert lines[1].split() == ["leak", "S!", "N~"]
    assert "breaks   private (leak)" in out
    assert "replaces nothing" in out
    assert "leak: CVE-2020-29374 & more" in out
    assert "linux-5.7: mapcount" in out


def test_each_cell_says_who_claims_it_or_how_to_see_it(table):
    code, out = table("--json")
    document = json.loads(out)
    assert (code, document["kind"]) == (0, "table")
    old, new = document["designs"]
    assert list(old["broken"]) == ["private"]
    assert old["broken"]["private"] == ["leak"]
    assert "wp_can_reuse_anon_folio" in old["overrides"]
    assert (new["broken"], new["not_promised"], new["overrides"]) == ({}, [], {})
    assert "private" in new["kept"]
    cells = document["tests"][0]["cells"]
    assert [a["grain"] for a in cells["mainline"]] == ["op", "step"]
    assert cells["linux-5.7"][0]["claim"]["why"] == "mapcount"
    assert cells["mainline"][0]["claim"] is None
    assert cells["mainline"][0]["command"].endswith(" --design mainline --grain op")


def test_columns_are_the_designs_that_the_tests_make_claims_about(capfd, tmp_path):
    test = tmp_path / "leak.litmus"
    test.write_text(LEAK.format(verdict="Sometimes"))
    assert run(["table", str(test), "--json", "-j", "1"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert [design["name"] for design in document["designs"]] == ["linux-5.7"]
    assert document["left_out"] == len(all_columns()) - 1
    assert run(["table", str(test), "-j", "1"]) == 0
    assert "(--all shows them)" in " ".join(capfd.readouterr().out.split())


def test_all_designs_if_there_is_no_claim(tmp_path):
    test = tmp_path / "leak.litmus"
    claim = LEAK.splitlines()[4]
    test.write_text(LEAK.replace(claim, "").format())
    assert columns_for(select([str(test)])) == all_columns()
    assert set(columns_for(select(["cow+fork+parent-writes"]))) < set(all_columns())


def test_all_and_a_design_are_too_much(capfd):
    assert run(["table", "--all", "-d", "mainline"]) == 2
    assert "--all is every design" in capfd.readouterr().err


def test_a_surprise_is_marked(table):
    code, out = table("--grain", "op", verdict="Never")
    assert code == 1
    assert "leak  S!X N~" in out


def test_a_budget_that_ends(table):
    code, out = table("--max-states", "3", "--grain", "op")
    assert code == 3
    assert out.splitlines()[1].split()[0:2] == ["leak", "?"]


def test_the_command_for_a_cell_runs(table, capfd):
    _, out = table("--json", "--grain", "op")
    cells = json.loads(out)["tests"][0]["cells"]
    program, *words = shlex.split(cells["linux-5.7"][0]["command"])
    assert program == "pagefault"
    assert run(words) == 0
    assert "breaks private" in capfd.readouterr().out


def test_the_command_names_a_test_of_the_catalogue():
    document, _ = tabulating.run(
        tabulating.Request(["cow+fork+child-writes"], ["mainline"], "op", False, 1, Budget())
    )
    (cell,) = document["tests"][0]["cells"]["mainline"]
    command = "pagefault explain cow+fork+child-writes --design mainline --grain op"
    assert cell["command"] == command


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_page_that_cannot_be_written_costs_no_table(capfd):
    code = run(["table", "cow+fork+child-writes", "-d", "mainline", "--html", "/dev/full"])
    out, err = capfd.readouterr()
    assert (code, err) == (2, "/dev/full: error: No space left on device\n")
    assert "cow+fork+child-writes  N" in out


def test_a_page_in_no_folder_is_refused_before_the_search(table, tmp_path, capfd):
    code = run(["table", "--html", str(tmp_path / "missing" / "table.html")])
    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert "there is no folder" in err


def test_a_page(table, tmp_path):
    code, _ = table("--html", str(tmp_path / "table.html"))
    page = (tmp_path / "table.html").read_text()
    assert code == 0
    assert "CVE-2020-29374 &amp; more" in page
    assert "leak.litmus --design linux-5.7 --grain step" in page
    assert 'class="cell breaks"' in page


def test_grains_that_differ_are_both_shown():
    never = {"verdict": "Never", "breaks": [], "bugs": [], "surprises": [], "claim": {}}
    sometimes = {**never, "verdict": "Sometimes", "breaks": ["private"]}
    claimed = {"claim": {"why": ""}}
    assert cell_text([{**never, **claimed}, {**sometimes, **claimed}]) == "N/S!"
    assert cell_text([never]) == "N~"
