"""A campaign finds what a design breaks, makes it small, says whose fault it is, and goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pagefault.campaign import run as running
from pagefault.campaign.backend import BACKENDS, NEEDS, workers
from pagefault.campaign.findings import blame, find, from_json
from pagefault.campaign.run import Campaign, run
from pagefault.campaign.search import ANY, Dice, look, search_all
from pagefault.cli.campaign import BACKENDS as NAMED_BACKENDS
from pagefault.cli.campaign import THEME_NAMES
from pagefault.errors import PagefaultError
from pagefault.lang import parse
from pagefault.lang.generate import NEEDS as VERBS_NEED
from pagefault.lang.generate import THEMES
from pagefault.lang.verbs import VERBS, WORDS
from pagefault.link import link

# This seed pins a shared page for reading.
SEED, DICE = 9, Dice(themes=("pins",), statements=6)
SMALL = Campaign(("no-unshare",), "op", range(SEED, SEED + 1), 150, DICE)


def test_themes_name_verbs_and_their_words():
    words = {word for group in THEMES.values() for verbs in group for word in verbs}
    for name in words | set(VERBS_NEED) | set(VERBS_NEED.values()):
        verb, _, word = name.partition(":")
        assert verb in VERBS
        slots = {slot.group for slot in VERBS[verb].slots}
        assert not word or any(word in WORDS[group] for group in slots if group)


def test_the_command_line_knows_the_same_names():
    assert (*THEMES, ANY) == THEME_NAMES
    assert NAMED_BACKENDS == BACKENDS == tuple(NEEDS)


def test_a_program_has_few_verbs():
    for seed in range(40):
        verbs = {s.verb for task in Dice().program(seed).tasks for s in task.statements}
        others = verbs - {"mmap", "fork", "clone", "user_load", "user_store", "exit"}
        assert len(others) <= 3 + 2  # what others need is counted apart


def test_what_is_found_is_small_and_blamed():
    finding = from_json(find(DICE, SEED, "linux-5.10", "op", "coherent", 150))
    program = parse(finding.text)
    assert finding.parts == (("no-unshare",),)
    assert not finding.mainline
    assert finding.statements <= 6
    assert finding.steps == len(finding.trace["steps"]) <= 8
    assert {claim.design for claim in program.header.expect} == {"linux-5.10", "mainline"}
    assert "coherent" in look(link("linux-5.10"), program, "op", 1000).breaches
    assert not look(link(), program, "op", 1000).breaches


def test_two_parts_that_only_together_break_it(tmp_path):
    design = tmp_path / "two.py"
    design.write_text(
        '"""Write-protects what is pinned, and then copies it."""\n\n'
        'PARTS = ["clear-refs-write-protects-what-is-pinned", "reuse-by-refcount", "foll-cow"]\n'
    )
    program = parse(
        '+++\ntitle = "clear_refs of a pinned page"\nsource = "a test"\n+++\nprocess P {\n'
        "    A = mmap(anon, private, rw)\n    A[0] = 1\n    h = pin(A, write, longterm)\n"
        "    clear_refs()\n    A[0] = 2\n}\nexists (P:A[0] = 2)\n"
    )
    assert blame(link(design), program, "op", "coherent") == (
        ("clear-refs-write-protects-what-is-pinned", "reuse-by-refcount"),
    )


def test_what_is_known_is_not_searched_again(tmp_path, monkeypatch):
    first = run(SMALL, tmp_path / "a.sqlite", "loky", 1, 1)
    (finding,) = first.findings
    assert (finding.promise, finding.seed) == ("coherent", SEED)
    monkeypatch.setattr(running, "search_all", None)
    monkeypatch.setattr(running, "find", None)
    again = run(SMALL, tmp_path / "a.sqlite", "loky", 1, 1)
    assert again.findings == first.findings
    assert again.searched == first.searched


def test_an_interrupted_campaign_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 2)
    monkeypatch.setattr(running, "AHEAD", 1)
    whole = replace(SMALL, seeds=range(5))
    done = []

    def interrupted(dice, jobs, *rest):
        if done:
            raise KeyboardInterrupt
        done.extend(jobs)
        return search_all(dice, jobs, *rest)

    def watched(dice, jobs, *rest):
        done.extend(jobs)
        return search_all(dice, jobs, *rest)

    monkeypatch.setattr(running, "search_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(whole, tmp_path / "a.sqlite", "loky", 1, 1)
    assert [seed for seed, _ in done] == [0, 1]
    monkeypatch.setattr(running, "search_all", watched)
    outcome = run(whole, tmp_path / "a.sqlite", "loky", 1, 1)
    assert outcome.searched["no-unshare"].programs == 5
    assert [seed for seed, _ in done] == list(range(5))


def test_two_processes_find_the_same():
    campaign = replace(SMALL, seeds=range(SEED - 1, SEED + 2))
    one, two = (run(campaign, None, "loky", jobs, 1).findings for jobs in (1, 2))
    assert one
    assert [(f.key, f.seed, f.text) for f in one] == [(f.key, f.seed, f.text) for f in two]


def test_a_backend_that_is_missing_says_what_to_install(monkeypatch):
    monkeypatch.setitem(NEEDS, "ray", "no_such_package_here")
    with pytest.raises(PagefaultError, match=r"pip install 'pagefault\[ray\]'"):
        workers("ray", None, 1).__enter__()
