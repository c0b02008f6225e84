"""`pagefault mutate`: a line per mutant, a summary, and JSON."""

from __future__ import annotations

import json

from pagefault.cli.app import run


def test_a_mutant_is_caught_and_counted(capsys):
    arguments = ["mutate", "cow+fork+parent-writes", "--function", "folio_get", "--jobs", "1"]
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    line, verdict, _, summary = out.splitlines()
    assert line.startswith("mm/page_alloc.py:")
    assert line.endswith("refcount  folio_get: st.folio[page_folio(st, pfn)].refcount += 1")
    assert verdict.startswith("    cow+fork+parent-writes (op): claimed Never, found Sometimes")
    assert "counts" in verdict
    assert summary == "caught 1 of 1"
    assert err == "1/1 mutants\n"


def test_what_no_test_calls_survives(capsys):
    assert run(["mutate", "gup+pin-fails", "--function", "folio_get", "--jobs", "1"]) == 0
    assert "SURVIVED no test calls it" in capsys.readouterr().out


def test_json(capsys):
    arguments = ["mutate", "cow+fork+parent-writes", "--function", "flush_tlb_mm", "--json"]
    assert run(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], document["caught"]) == ("mutate", 1)
    (mutant,) = document["mutants"]
    assert mutant["file"] == "hw/tlb.py"
    assert mutant["kind"] == "flush"
    assert mutant["caught"]["test"] == "cow+fork+parent-writes"
    assert "no-stale-tlb" in mutant["caught"]["by"]


def test_a_function_that_there_is_not(capsys):
    assert run(["mutate", "--function", "schedule"]) == 2
    assert "there is no function schedule that runs" in capsys.readouterr().err
