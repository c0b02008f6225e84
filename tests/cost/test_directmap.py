"""What the report of the direct map says, and what it refuses."""

from __future__ import annotations

import json
import sys

import pytest

from pagefault.cli.app import run
from pagefault.cost.calibrate import calibration, calibration_text
from pagefault.cost.directmap import Policy, bytes_of, flush_of, load_core, report
from pagefault.cost.directmap_text import directmap_text, number, size_text
from pagefault.cost.machine import INTERFACES, Flush, Load, Size, worn
from pagefault.cost.measure import read
from pagefault.cost.prices import DEFAULTS, read_prices
from pagefault.errors import PagefaultError

SMALL = Size(8 << 18, 4)
LOAD = Load(processes=50, lives=2000).on(SMALL)


@pytest.fixture(scope="module")
def rows():
    policies = [Policy(name) for name in INTERFACES]
    policies += [Policy("page", Flush(batch=8)), Policy("page", Flush(never=True))]
    found = report(SMALL, LOAD, policies, 20_000, read_prices(None))
    return {f"{row.policy.interface} {row.policy.flush.name}": row for row in found.rows}, found


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("fresh", [True, False])
def test_nothing_gets_lost(interface, fresh):
    """Pages are free, in use by somebody we know, or were in use at the start; entries map all."""
    core = load_core()
    load = Load(processes=60, lives=3000, fresh=fresh, seed=5).on(SMALL)
    machine = worn(SMALL, load, core)

    def in_use_elsewhere():
        now = machine.now()
        held = now["pooled"] if interface == "file-pool" else now["held"]
        listed = int(machine.cpu["count"].sum())
        ours = now["tables"] - boot
        return now["pages"] - now["free"] - held - listed - now["live_pages"] - ours

    boot = machine.now()["tables"]
    before = in_use_elsewhere()
    Policy(interface).settle_in(machine)
    for _ in range(10):
        core.run(machine, 3000, 2)
        assert in_use_elsewhere() == before
        entries = machine.entries()
        assert (entries["1G"] << 18) + (entries["2M"] << 9) + entries["4K"] == SMALL.pages
        assert int(machine.block["free"].sum()) == machine.now()["free"]
        assert int(machine.block["absent"].sum()) == machine.now()["absent"]
    for process in range(60):
        core.loop(machine, process, 0)  # closes what it has
    now = machine.now()
    assert now["held"] == 0
    if interface not in ("global-pool", "migrate-type"):
        assert now["absent"] == now["pooled"] == 0


def test_what_each_policy_saves(rows):
    found, _ = rows
    page = found["page each"]
    assert page.counts["faults"] == 20_000
    assert page.counts["range_flushes"] == 20_000
    assert page.counts["ipis"] == 3 * page.counts["flushes"]
    assert page.lost["2M"] > found["global-pool each"].lost["2M"] == 0
    assert found["file-pool each"].counts["splits_2m"] == 0
    assert found["file-pool each"].counts["pooled"] > 10 * found["file-pool each"].counts["held"]
    assert found["page batch:8"].counts["range_flushes"] < 20_000 / 6
    assert found["page never"].counts["range_flushes"] == 0
    assert found["page never"].counts["exposed"] == 20_000


def test_what_is_joined_again_is_split_again():
    """Few secrets: between two of them all pages of an entry are back."""
    load = Load(processes=2, lives=2000).on(SMALL)
    both = [Policy("page"), Policy("collapse")]
    page, collapse = report(SMALL, load, both, 20_000, read_prices(None)).rows
    assert collapse.counts["collapses_2m"] > 100
    assert collapse.counts["splits_2m"] > 100 > page.counts["splits_2m"]
    assert collapse.lost["2M"] <= page.lost["2M"]
    assert collapse.looped["splits_2m"] > 100 > page.looped["splits_2m"]


def test_a_loop_takes_no_more_than_all(rows):
    found, whole = rows
    assert found["page each"].loop_takes(whole.prices, 1) == 0
    for cpus in (2, 4, 1000):
        assert 0 < found["page each"].loop_takes(whole.prices, cpus) < 1


def test_text_and_document(rows):
    _, found = rows
    shown = directmap_text(found)
    assert "page          never" in shown
    assert "20000 pages were in use before every TLB had forgotten them" in shown
    assert "out of the direct map and unused" in shown
    document = json.loads(json.dumps(found.document()))
    assert [row["interface"] for row in document["policies"]][:5] == [*INTERFACES]
    assert {price["origin"] for price in document["prices"]} <= {
        "assumed",
        "counted",
        "published",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--memory", "1TB"], "'1TB' is no size"),
        (["--memory", "4100KiB"], "not a number of 2 MiB blocks"),
        (["--memory", "4096TiB"], "more than 128 TiB"),
        (["--interface", "pool"], "no interface is called 'pool'"),
        (["--flush", "defer"], "no flush is called 'defer'"),
        (["--flush", "batch:0"], "no flush is called 'batch:0'"),
        (["--prices", "/nowhere.json"], "/nowhere.json: No such file"),
    ],
)
def test_what_is_refused(capfd, words, said):
    assert run(["cost", "directmap", *words]) == 2
    assert said in capfd.readouterr().err


def test_prices_that_are_none(tmp_path):
    file = tmp_path / "prices.json"
    file.write_text('{"figures": []}')
    with pytest.raises(PagefaultError, match="holds no prices"):
        read_prices(file)


def test_help_teaches(capfd):
    assert run(["cost", "directmap", "--help"]) == 0
    shown = " ".join(capfd.readouterr().out.split())
    for word in (*INTERFACES, "batch:PAGES", "splits the entry", "calibrate"):
        assert word in shown


@pytest.mark.parametrize(
    ("text", "flush"),
    [("each", Flush()), ("batch:16", Flush(16)), ("defer:512", Flush(defer=512))],
)
def test_flushes(text, flush):
    assert flush_of(text) == flush
    assert flush.name == text


def test_numbers():
    assert bytes_of("3GiB") == 3 << 30
    assert [size_text(n) for n in (12, 8192, 3 << 30)] == ["12 B", "8 KiB", "3 GiB"]
    assert [number(n) for n in (99_999, 1_000_000, 255_000_000)] == ["99999", "1000k", "255M"]


SAMPLES = """\
zero 0 100
memfd-fault 0 1100
short-free 0 200
secret-free 0 800
flush 0 1000
flush 1 4000
flush 2 4500
flush 4 5500
handler 1 900
range 33 5000
range 34 1700
range 64 2000
walk 1 4000
walk 64 9000
loop-share 0 300000
splits 2 3
splits 3 1"""


def test_calibration():
    found = calibration(read(SAMPLES.splitlines()), True)
    prices = {name: found.prices[name] for name in ("fault", "change", "ipi", "ipi-each", "refill")}
    assert prices == pytest.approx(
        {"fault": 1000, "change": 500, "ipi": 3000, "ipi-each": 500, "refill": 5000}
    )
    assert found.prices["invlpg"] == pytest.approx((5000 + 10 - 1700) / 33)
    assert found.loop[0] == pytest.approx(0.3)
    assert found.splits == (3, 1)
    assert not found.missing
    assert "3 of 2M, 1 of 1G" in calibration_text(found)


def test_what_cannot_be_measured_is_assumed_and_said():
    found = calibration(read(["no-secret 38 1"]), True)
    assert found.prices.document() == [vars(price) for price in DEFAULTS]
    shown = calibration_text(found)
    assert "memfd_secret is off here (ENOSYS)" in shown
    assert "which --secret --risk-host allows" in calibration_text(calibration(read([]), False))


def test_no_host_is_split_unasked(capsys, monkeypatch):
    """Nothing is measured before somebody says that this machine may keep the split entries."""

    def never(*_):
        raise AssertionError

    module = sys.modules["pagefault.cost.measure"]  # the package has a function of that name
    monkeypatch.setattr(module, "measure", never)
    assert run(["cost", "calibrate", "--secret"]) == 2
    said = capsys.readouterr().err
    assert "--risk-host" in said
    assert "cost splits" in said
    monkeypatch.setattr(module, "measure", lambda *_: read([]))
    assert run(["cost", "calibrate", "--secret", "--risk-host"]) == 0
    assert run(["cost", "calibrate"]) == 0


def test_calibration_is_read_back(tmp_path):
    found = calibration(read(SAMPLES.splitlines()), True)
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(found.document()))
    assert read_prices(file) == found.prices
