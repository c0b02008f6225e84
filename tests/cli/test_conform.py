"""`pagefault conform` on the command line, against the kernel that runs here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pagefault.cli.app import run
from pagefault.errors import LiveError
from pagefault.live.compiler import compiler

SABOTAGE = Path(__file__).resolve().parents[1] / "sabotage" / "kernels"
TEST = "cow+fork+parent-writes"
SLOW = "gup+slow-pin-mprotect-store-dma"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "results.sqlite"
    monkeypatch.setattr("pagefault.cli.conforming.default_path", lambda: path)
    return path


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
def test_the_model_does_what_the_kernel_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", "cow/", SLOW]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Kernel host: ")
    assert f"not run on host: {SLOW}: needs /sys/kernel/debug/gup_test" in out
    assert out.endswith("schedules agree; 0 unexplained differences\n")


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize(
    ("design", "test", "place"),
    [
        ("linux-5.7", "cow+vmsplice-in-child-unmap+parent-writes", "C:r0  model 2, kernel 1"),
        (str(SABOTAGE / "reuses_always.py"), TEST, "model 2, kernel 1"),
    ],
)
def test_a_wrong_design_is_caught(
    design: str, test: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["conform", test, "--design", design]) == 1
    out = capsys.readouterr().out
    assert f"DIFFERENCE {test} on host" in out
    assert place in out
    assert "  after move " in out


@pytest.mark.usefixtures("host")
def test_what_is_known_is_not_asked_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, database: Path
) -> None:
    assert run(["conform", TEST]) == 0
    first = capsys.readouterr().out
    assert database.is_file()

    def refuse(*_: object) -> None:
        raise LiveError("asked")

    monkeypatch.setattr("pagefault.live.host._run", refuse)
    assert run(["conform", TEST]) == 0
    assert capsys.readouterr().out == first
    assert run(["conform", TEST, "--again"]) == 2
    assert run(["conform", TEST, "--no-database"]) == 2
    assert run(["conform", TEST, "--design", "linux-5.10"]) == 2


@pytest.mark.usefixtures("host")
def test_conform_as_json_and_tap(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", TEST, SLOW, "--json", "--no-database"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "conform"
    ran, skipped = document["results"]
    assert (ran["schedules"], ran["agreed"], ran["findings"]) == (2, 2, [])
    assert skipped["skip"].startswith("needs /sys/kernel/debug/gup_test")
    (kernel,) = document["kernels"]
    assert (kernel["name"], kernel["tests"], kernel["skipped"]) == ("host", 2, 1)
    assert run(["conform", TEST, "--tap"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "TAP version 13",
        "1..1",
        f"ok 1 host: {TEST}",
    ]


@pytest.mark.usefixtures("host")
def test_random_programs_agree(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["conform", "--generated", "12", "--max-schedules", "30"]
    assert run([*arguments, "--statements", "2"]) == 0
    assert "generated-0" in capsys.readouterr().out


@pytest.mark.usefixtures("host")
def test_a_difference_is_shrunk(capsys: pytest.CaptureFixture[str]) -> None:
    design = str(SABOTAGE / "reuses_always.py")
    assert run(["conform", "--generated", "25", "--seed", "1", "--design", design]) == 1
    out = capsys.readouterr().out
    assert "# The smallest program with the difference of generated-" in out
    text = out.partition("# The smallest program")[2]
    assert "process P {\n" in text
    assert "exists (" in text


@pytest.mark.usefixtures("host")
def test_all_skipped_is_an_exit_code() -> None:
    assert run(["conform", SLOW]) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kernel", "no-such"], "no kernel image 'no-such'"),
        (["--kernel", "6.12,lru_gen/enabled"], "'lru_gen/enabled' is no setting"),
        (["--kernel", "6.12,../x=0"], "'../x=0' is no setting"),
        (["--json", "--tap"], "exclude each other"),
        (["cow/", "--generated", "3"], "name no TEST"),
        (["--database", "x", "--no-database"], "exclude each other"),
        (["--known", "no-such-file", TEST], "can't read it"),
        (["--design", "no-such", TEST], "no-such"),
        (["no-such-test"], "no test, list"),
    ],
)
def test_what_makes_no_sense_is_an_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["conform", *arguments]) == 2
    assert message in capsys.readouterr().err
