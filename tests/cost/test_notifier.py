"""Prices from samples: fits, differences, and what is missing; and one short measurement."""

from __future__ import annotations

import json

import pytest

from pagefault.cli.app import run
from pagefault.cost import report
from pagefault.cost.measure import read
from pagefault.cost.text import text, time
from pagefault.errors import LiveError
from pagefault.live.compiler import compiler

TRIALS = [
    *(f"register-anon {n} {1000 + 200 * n}" for n in (10, 100, 1000)),
    *(f"register-chain {n} {5000 + 3000 * n}" for n in (0, 1, 4)),
    "atomic 0 5",
    "op-mprotect-pair 0 1000",
    "op-mprotect-pair 0 1010",
    "op-mprotect-pair 1 1400",
    "op-fork-exit 0 5000",
    "op-fork-exit 0 9000",
    "op-fork-exit 1 5100",
    "pin 1 100",
    "pin 512 20540",
    "fork-huge 64 1000",
    "fork-huge-pinned 64 32769000",
]


@pytest.fixture
def found():
    return report(read(TRIALS), 100)


def test_registration_is_fitted(found):
    (line,) = found.lines
    assert line.each == pytest.approx(200)
    assert line.base == pytest.approx(1000)
    assert found.chain.each == pytest.approx(30)
    assert found.predict(100, 2) == pytest.approx(1000 + 200 * 100 + 30 * 200)


def test_the_quickest_trial_counts_and_noise_is_named(found):
    mprotect, fork = found.taxes
    assert (mprotect.tax, mprotect.is_noise) == (400, False)
    assert (fork.tax, fork.is_noise) == (100, True)


def test_prices_say_where_they_come_from(found):
    prices = {figure.what: figure for figure in found.figures}
    gup = prices["GUP-fast and unpin of a page: two atomics"]
    assert (gup.nanoseconds, gup.origin) == (10, "counted")
    assert prices["io_uring pins a page"].nanoseconds == pytest.approx(40)
    huge = prices["fork copies a page of a huge page with one pinned subpage"]
    assert (huge.nanoseconds, huge.origin) == (1000, "measured")


def test_text(found):
    shown = text(found, 100, 2)
    assert "100 VMAs with 2 more links each: 27 us (fitted)" in shown
    assert "(noise: 2 us)" in shown
    assert "missing" not in shown


def test_what_is_missing_is_said():
    nothing = report(read([]), 100)
    assert nothing.predict(10, 0) is None
    assert "/dev/kvm" in text(nothing, 10, 0)
    assert "io_uring" in text(nothing, 10, 0)
    json.dumps(nothing.document())


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [
        (5.27, "5.27 ns"),
        (1234, "1.23 us"),
        (2_500_000, "2.5 ms"),
        (3e9, "3 s"),
        (-51300, "-51.3 us"),
    ],
)
def test_times(nanoseconds, shown):
    assert time(nanoseconds) == shown


def test_a_short_measurement(capfd):
    try:
        compiler()
    except LiveError as error:
        pytest.skip(error.message)
    code = run(["cost", "notifier", "--trials", "1", "--most", "100", "--json"])
    document = json.loads(capfd.readouterr().out)
    assert (code, document["kind"], document["unit"]) == (0, "cost", "ns")
    assert any(figure["origin"] == "measured" for figure in document["figures"])
