"""`pagefault campaign`: a table, the findings, litmus files, JSON and exit codes."""

from __future__ import annotations

import json

from pagefault.cli.app import run
from pagefault.cli.campaign import THEME_NAMES
from pagefault.lang import load
from pagefault.lang.generate import THEMES

ARGUMENTS = [
    *("campaign", "--no-database", "--jobs", "1", "--grain", "op", "--programs", "1"),
    *("--seed", "9", "--theme", "pins", "--statements", "6", "--max-states", "150"),
]


def test_a_finding_is_told_and_written(capsys, tmp_path):
    arguments = [*ARGUMENTS, "-d", "no-unshare", "--litmus", str(tmp_path / "found")]
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert "# no-unshare breaks coherent: the design; mainline does not" in out
    (file,) = (tmp_path / "found").iterdir()
    assert file.name == "no-unshare+coherent+9.litmus"
    assert run(["check", str(file)]) == 0
    assert {claim.design for claim in load(file).header.expect} == {"no-unshare", "mainline"}


def test_json(capsys):
    assert run([*ARGUMENTS, "-d", "no-unshare", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "campaign"
    assert document["designs"][0]["programs"] == 1
    (finding,) = document["findings"]
    assert (finding["design"], finding["promise"]) == ("no-unshare", "coherent")
    assert finding["trace"]["steps"]
    assert finding["litmus"].startswith("+++\n")


def test_nothing_found(capsys):
    assert run(ARGUMENTS) == 0
    assert "no promise breaks" in capsys.readouterr().out


def test_a_verb_that_there_is_not(capsys):
    assert run([*ARGUMENTS, "--without", "sleep"]) == 2
    assert "there is no verb 'sleep'" in capsys.readouterr().err


def test_help_names_the_themes():
    assert (*THEMES, "any") == THEME_NAMES
