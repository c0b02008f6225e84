"""Claims against results."""

from __future__ import annotations

import dataclasses

import pytest

from pagefault.errors import LitmusError
from pagefault.explore.compare import compare
from pagefault.explore.promises import check_names, promises
from pagefault.explore.search import explore
from pagefault.lang import Expectation
from pagefault.link import link
from pagefault.verdict import Verdict, verdict_of


def claim(verdict, *breaks):
    return Expectation("toy", Verdict(verdict), ("op",), breaks)


@pytest.fixture
def sometimes(kernel, program):
    return explore(kernel, program(P=["r0 = roll 3"], exists=("P", "r0", 3)))


@pytest.fixture
def deadlock(kernel, program):
    tasks = {
        "P": ["lock 0", "lock 1", "unlock 1", "unlock 0"],
        "Q": ["lock 1", "lock 0", "unlock 0", "unlock 1"],
    }
    return explore(kernel, program(**tasks))


def test_as_claimed(sometimes, deadlock):
    assert compare(sometimes, claim("Sometimes")) == []
    assert compare(deadlock, claim("Never", "no-deadlock")) == []
    assert compare(deadlock, None) == []


@pytest.mark.parametrize(("verdict", "shows"), [("Never", "witness"), ("Always", "counterexample")])
def test_another_verdict_comes_with_the_trace_that_refutes_it(sometimes, verdict, shows):
    (surprise,) = compare(sometimes, claim(verdict))
    assert surprise.kind == "verdict"
    assert surprise.sentence == f"claimed {verdict}, found Sometimes 1 3"
    assert surprise.trace is not None
    assert surprise.trace.shows == shows


def test_a_property_that_breaks_unclaimed(deadlock):
    (surprise,) = compare(deadlock, claim("Never"))
    assert surprise.kind == "breaks"
    assert surprise.trace is not None
    assert surprise.trace.shows == "no-deadlock"


def test_a_property_that_holds_against_the_claim(sometimes):
    (surprise,) = compare(sometimes, claim("Sometimes", "coherent"))
    assert (surprise.kind, surprise.trace) == ("holds", None)
    assert compare(sometimes, claim("Sometimes", "coherent"), judged=["private"]) == []


def test_what_an_unfinished_search_has_not_seen_is_no_surprise(sometimes):
    cut = dataclasses.replace(sometimes, verdict=Verdict.UNKNOWN, unknown_reason="time")
    assert compare(cut, claim("Never", "coherent")) == []


def test_a_bug_of_the_model_is_a_surprise_without_a_claim(kernel, program):
    result = explore(kernel, program(P=["crash 0"]))
    (surprise,) = compare(result, None)
    assert surprise.kind == "bug"
    assert "IndexError" in surprise.sentence


@pytest.mark.parametrize(
    ("positive", "negative", "complete", "verdict"),
    [
        (0, 3, True, "Never"),
        (0, 0, True, "Never"),
        (2, 1, True, "Sometimes"),
        (2, 0, True, "Always"),
        (2, 1, False, "Sometimes"),
        (2, 0, False, "Unknown"),
        (0, 3, False, "Unknown"),
    ],
)
def test_the_four_words(positive, negative, complete, verdict):
    assert verdict_of(positive, negative, complete) == verdict


def test_every_promise_has_a_sentence():
    for promise in promises(link("mainline")):
        assert promise.sentence.endswith("."), promise.name
        assert (
            promise.always
            or promise.at_end
            or promise.bit is not None
            or promise.name
            in (
                "no-deadlock",
                "progress",
            )
        )


def test_names_of_properties_are_checked():
    kernel = link("mainline")
    check_names(kernel, ["coherent", "progress"])
    with pytest.raises(LitmusError, match="there is no property 'coherence'"):
        check_names(kernel, ["coherence"])
    old = link("linux-5.7")
    assert old.not_promised
    with pytest.raises(LitmusError, match="does not promise"):
        check_names(old, [min(old.not_promised)])
