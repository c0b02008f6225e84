"""The catalogue notices what docs/mutation.md says that it notices, and nothing else survives.

A sample of the mutants on the smaller tests; PAGEFAULT_ALL_MUTANTS=1 tries all of both.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from pagefault.lang import select
from pagefault.link import link
from pagefault.mutate import judge, mutants, plan

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "mutation.md").read_text()
ROWS = re.findall(r"^\| `\w+/\w+\.py` \| `(.+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
SURVIVORS = {name.replace("\\|", "|"): reason for name, reason in ROWS}
MUTANTS = mutants(link())
EVERY, MAX_STATES = (1, 20_000) if os.environ.get("PAGEFAULT_ALL_MUTANTS") else (12, 1_000)


@pytest.fixture(scope="module")
def trials():
    return plan(select([]), MAX_STATES)


@pytest.mark.parametrize("mutant", MUTANTS[::EVERY], ids=lambda m: m.name)
def test_the_survivors_are_those_documented(mutant, trials, tmp_path):
    verdict = judge(mutant, trials, MAX_STATES, tmp_path)
    if EVERY > 1 and not verdict.is_caught and mutant.name not in SURVIVORS:
        pytest.skip("only larger tests can tell: PAGEFAULT_ALL_MUTANTS searches them")
    assert verdict.is_caught == (mutant.name not in SURVIVORS), verdict


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
    for mutant in MUTANTS:
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
