"""The catalogue notices what docs/mutants.csv says that it notices; docs/mutation.md has the rest.

A sample of those that are caught, each by the test that is named; PAGEFAULT_ALL_MUTANTS=1 takes all
of them, and asks every test about the survivors.
"""

from __future__ import annotations

import ast
import csv
import os
import re
from pathlib import Path

import pytest

from pagefault.lang import select
from pagefault.link import link
from pagefault.mutate import judge, mutants, plan, recall, run

DOCS = Path(__file__).resolve().parents[2] / "docs"
DOCUMENT = (DOCS / "mutation.md").read_text()
ROWS = re.findall(r"^\| `\w+/\w+\.py` \| `(.+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
SURVIVORS = {name.replace("\\|", "|"): reason for name, reason in ROWS}
CAUGHT = dict(csv.reader((DOCS / "mutants.csv").read_text().splitlines()))
MUTANTS = mutants(link())
ALL = "PAGEFAULT_ALL_MUTANTS" in os.environ
SAMPLE = MUTANTS[:: 1 if ALL else 3]
MAX_STATES = 20_000


@pytest.mark.parametrize(
    "mutant",
    [m for m in SAMPLE if m.name in CAUGHT],
    ids=lambda m: f"{m.name}-{CAUGHT[m.name]}",
)
def test_the_test_that_is_named_catches_it(mutant, tmp_path):
    trials = recall({CAUGHT[mutant.name]: [mutant.function]}, MAX_STATES)
    assert judge(mutant, trials, MAX_STATES, tmp_path).is_caught, "run tools/mutation_tables.py"


@pytest.mark.skipif(not ALL, reason="half an hour: PAGEFAULT_ALL_MUTANTS=1 asks every test")
def test_the_others_survive(tmp_path):
    trials = plan(select([]), MAX_STATES)
    left = [m for m in MUTANTS if m.name in SURVIVORS]
    assert not [v.mutant for v in run(left, trials, MAX_STATES, workers=2) if v.is_caught]


def test_each_mutant_is_caught_or_a_survivor():
    names = [mutant.name for mutant in MUTANTS]
    assert sorted([*CAUGHT, *SURVIVORS]) == sorted(names), "run tools/mutation_tables.py"


@pytest.fixture(scope="module")
def trials():
    return plan(select(["cow+*", "gup+*"]), 200)


def test_each_documented_survivor_is_a_mutant_and_has_a_reason():
    assert set(SURVIVORS) <= {mutant.name for mutant in MUTANTS}
    assert all(len(reason) > 1 for reason in SURVIVORS.values())


def test_the_document_counts_the_mutants():
    row = f"| all | {len(MUTANTS)} | {len(MUTANTS) - len(SURVIVORS)} |"
    assert row in DOCUMENT, "run tools/mutation_tables.py"


def test_names_are_unique():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_each_mutant_is_a_design_that_links(tmp_path):
    file = tmp_path / "mutant.py"
    for mutant in SAMPLE:
        file.write_text(mutant.design)
        assert set(link(file).overrides) == {mutant.function}


def test_a_function_keeps_its_colour():
    """flush_tlb_mm() does nothing but call a generator."""
    (mutant,) = mutants(link(), ["flush_tlb_mm"])
    (function,) = ast.parse(mutant.design).body[1:]
    assert isinstance(function, ast.FunctionDef)
    assert ast.unparse(function.body[-1]) == "yield 'mutant'"


def test_ghost_state_stays():
    ghosts = re.compile(r"owe|observe_|note_revoked|check_revoked|owner_|share_audience|break_")
    assert not [m.name for m in MUTANTS if ghosts.search(m.deleted) or "monitor" in m.file]


def test_a_condition_of_two_parts_makes_two_mutants():
    deleted = [m.deleted for m in mutants(link(), ["wp_page_copy"]) if m.kind == "recheck"]
    assert deleted == ["not locked", "ptep_get(st, mm, vpn) != orig_pte", "if locked"]


def test_a_trial_knows_what_its_search_called(trials):
    by_test = {t.program.name: t for t in trials if t.grain == "op"}
    calls = by_test["cow+fork+parent-writes"].calls
    assert {"wp_page_copy", "folio_get", "switch_to", "boot_kernel"} <= calls
    assert not {"sys_mprotect", "gup_fast", "sys_vmsplice"} & calls


def test_what_catches_a_mutant_is_told(trials, tmp_path):
    (mutant,) = mutants(link(), ["folio_get"])
    verdict = judge(mutant, trials, MAX_STATES, tmp_path)
    assert verdict.is_caught
    assert "counts" in verdict.by
