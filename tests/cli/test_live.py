"""`pagefault live` and `pagefault repro` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pagefault.cli.app import run
from pagefault.errors import LiveError
from pagefault.live.compiler import compiler

TEST = "cow+fork+parent-writes"
SLOW = "gup+slow-pin-mprotect-store-dma"


@pytest.fixture
def host() -> None:
    """And one without gup_test, for the sake of a skip."""
    if Path("/sys/kernel/debug/gup_test").exists():
        pytest.skip("this kernel has gup_test")
    try:
        compiler()
    except LiveError as error:
        pytest.skip(error.message)


@pytest.mark.usefixtures("host")
def test_live_prints_what_it_saw(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", TEST, SLOW]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Kernel Linux ")
    assert lines[1] == f"Observation {TEST} Never 0 2"
    assert lines[2].split() == ["2", ":>", "C:r0=1", "P:A=2,0,0,0", "C:A=1,0,0,0"]
    assert lines[3].startswith(f"Skipped {SLOW}: needs /sys/kernel/debug/gup_test")
    assert lines[4] == "1 tests, 2 schedules; 1 skipped"


@pytest.mark.usefixtures("host")
def test_live_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", TEST, SLOW, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], document["kernel"]) == ("live", "host")
    ran, skipped = document["tests"]
    assert skipped["skip"].startswith("needs /sys/kernel/debug/gup_test")
    assert (ran["verdict"], ran["positive"], ran["negative"]) == ("Never", 0, 2)
    outcome = ran["outcomes"][0]
    assert outcome["schedule"] == ["P", "P", "P", "P", "C"]
    assert outcome["cells"] == {"P:A": [2, 0, 0, 0], "C:A": [1, 0, 0, 0]}


@pytest.mark.usefixtures("host")
def test_live_tells_frames(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", TEST, "--frames"]) == 0
    line = capsys.readouterr().out.splitlines()[2]
    if "@" not in line:
        pytest.skip("/proc/PID/pagemap hides frame numbers")
    assert line.endswith(" P:A@1 C:A@2")


@pytest.mark.usefixtures("host")
def test_live_as_tap(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", TEST, SLOW, "--tap"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["TAP version 13", "1..2"]
    assert f"ok 1 {TEST}" in lines
    assert lines[-1].startswith(f"ok 2 {SLOW} # SKIP needs /sys/kernel/debug/gup_test")


@pytest.mark.usefixtures("host")
def test_live_stress(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", TEST, SLOW, "--stress", "20"]) == 0
    out = capsys.readouterr().out
    assert f"Observation {TEST} Never 0 20" in out
    assert f"Skipped {SLOW}: /sys/kernel/debug/gup_test" in out


REFUSED = str(Path(__file__).resolve().parents[1] / "live" / "refused.litmus")
DANGEROUS = str(Path(__file__).resolve().parents[1] / "live" / "dangerous.litmus")
DANGER = (
    "runs in virtual machines only (or with --risk-host): says so, to be told from what is harm"
)


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize(
    "verb", [["live"], ["live", "--stress", "2"], ["conform", "--no-database"]]
)
def test_what_is_dangerous_spares_the_host(
    verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*verb, DANGEROUS]) == 4
    assert DANGER in capsys.readouterr().out
    assert run([*verb, DANGEROUS, "--risk-host"]) == 0
    assert DANGER not in capsys.readouterr().out


def test_repro_warns_of_what_is_dangerous(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["repro", DANGEROUS]) == 0
    warning = " * WARNING: do not run this on a machine that you need. says so, to be told"
    assert warning in capsys.readouterr().out
    assert run(["repro", TEST]) == 0
    assert "WARNING" not in capsys.readouterr().out


@pytest.mark.usefixtures("host")
def test_all_skipped_is_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", SLOW]) == 4
    assert run(["live", SLOW, "--stress", "1"]) == 4
    assert "0 tests, 0 schedules; 1 skipped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["live", TEST, "--kernel", "9.99"], "no kernel image '9.99'"),
        (["live", TEST, "--json", "--tap"], "exclude each other"),
        (["live", TEST, "--stress", "0"], "Invalid value"),
        (["live", TEST, "--stress", "1", "--tap"], "histograms only"),
        (["live", "no-such-test"], "no test, list"),
        (["repro", "cow/"], "repro shows one"),
        (["repro", TEST, "--schedule", "C"], "C cannot move"),
        (["repro", TEST, "--schedule", "P,Q"], "there is no task 'Q'"),
        (["repro", REFUSED], "cannot run on a live kernel"),
    ],
)
def test_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert message in capsys.readouterr().err


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert run(["live", TEST]) == 2
    assert "error: CC names no-such-compiler" in capsys.readouterr().err


def test_repro_has_the_schedules_that_were_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["repro", TEST]) == 0
    every = capsys.readouterr().out
    assert '"P,P,P,P,C",\n\t"P,P,P,C,P",\n' in every
    assert run(["repro", TEST, "--schedule", "P,P,P,C"]) == 0
    one = capsys.readouterr().out
    assert '"P,P,P,C",\n' in one
    assert '"P,P,P,P,C"' not in one
    assert run(["repro", TEST, "--stress"]) == 0
    assert "built_in_iterations = 10000;" in capsys.readouterr().out


def test_repro_names_no_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["repro", "gup+fork-pin-read-write-dma"]) == 0
    text = capsys.readouterr().out
    assert str(Path.cwd()) not in text
    assert "Needs userfaultfd(2) for faults in the kernel (CAP_SYS_PTRACE" in text
