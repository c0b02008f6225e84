"""A kernel image as a backend: how lines become jobs, and what becomes of their results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pagefault.cli.app import run as run_command
from pagefault.errors import LiveError
from pagefault.lang import load, select
from pagefault.lang.schedule import schedules
from pagefault.live import Status, Unanswered, c_program, kernels, qemu, run_schedules, virtual
from pagefault.live.compiler import build
from pagefault.live.errors import VmError
from pagefault.live.jobs import Job, JobResult, Outcome
from pagefault.live.kernels import Image
from pagefault.live.virtual import LINES_A_JOB, Virtual


@pytest.fixture
def image(tmp_path: Path) -> Image:
    path = tmp_path / "vmlinuz"
    path.write_bytes(b"no kernel")
    return Image("made", "6.1.0-made", path, None, "made")


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Job]]:
    """Batches of jobs that a guest was given; it prints its lines. Those that need a disk skip."""
    given: list[Sequence[Job]] = []

    def run(image: Image, jobs: Sequence[Job], **_: object) -> list[JobResult]:
        given.append(jobs)
        return [
            JobResult(job.name, Outcome.SKIPPED, reason="no block")
            if "block" in job.needs
            else JobResult(job.name, Outcome.EXITED, 0, stdout=job.stdin)
            for job in jobs
        ]

    monkeypatch.setattr(virtual, "run", run)
    return given


def test_lines_are_dealt_to_jobs_of_one_boot(image, guest, tmp_path: Path) -> None:
    binary = tmp_path / "test"
    binary.write_bytes(b"ELF")
    lines = [f"0 P,{n}" for n in range(LINES_A_JOB * 2 + 1)]
    assert list(Virtual(image).run(binary, lines, 1.0)) == lines
    ((first, second, third),) = guest
    assert first.argv == ("--record", "0", "-")
    assert third.argv == ("--record", str(2 * LINES_A_JOB), "-")
    assert [len(job.stdin.splitlines()) for job in (first, second, third)] == [
        LINES_A_JOB,
        LINES_A_JOB,
        1,
    ]


def test_without_a_disk_it_runs_all_the_same(image, guest, tmp_path: Path) -> None:
    binary = tmp_path / "test"
    binary.write_bytes(b"ELF PAGEFAULT_FS")
    assert list(Virtual(image).run(binary, ["0 P"], 1.0)) == ["0 P"]
    assert [sorted(job.needs) for jobs in guest for job in jobs] == [["block"], []]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (JobResult("a", Outcome.EXITED, 3), "failed with exit code 3"),
        (JobResult("a", Outcome.SIGNALLED, 11), "died of signal 11"),
        (JobResult("a", Outcome.NOT_RUN, reason="no luck"), "no schedule could be run: no luck"),
        (JobResult("a", Outcome.EXITED, 0, cut=frozenset({"out"})), "more than a guest keeps"),
    ],
)
def test_what_went_wrong_is_said(
    image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: JobResult, message: str
) -> None:
    binary = tmp_path / "test"
    binary.write_bytes(b"ELF")
    monkeypatch.setattr(virtual, "run", lambda *_, **__: [result])
    with pytest.raises(LiveError, match=message):
        list(Virtual(image).run(binary, ["0 P"], 1.0))


# ---- kernels that die ----


LINES = ["0 frames P,P", "0 frames P,C", "1 frames P", "1 frames P,P"]


@pytest.fixture
def boots(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """Sets what becomes of the job of each boot; returns the lines that the boots were given."""

    def make(*results: JobResult | Exception) -> list[list[str]]:
        given: list[list[str]] = []
        rest = iter(results)

        def run(image: Image, jobs: Sequence[Job], **_: object) -> list[JobResult]:
            given.append([line for job in jobs for line in job.stdin.decode().splitlines()])
            result = next(rest)
            if isinstance(result, Exception):
                raise result
            return [result]

        monkeypatch.setattr(virtual, "run", run)
        return given

    return make


@pytest.fixture
def answers(image: Image, tmp_path: Path) -> Callable[[], list[str | Unanswered]]:
    binary = tmp_path / "test"
    binary.write_bytes(b"ELF")
    return lambda: list(Virtual(image).run(binary, LINES, 1.0))


def crashed(stdout: str, recorded: str, outcome: Outcome = Outcome.CRASHED) -> JobResult:
    return JobResult(
        "a", outcome, stdout=stdout.encode(), recorded=recorded, reason="BUG: x", console="Oops"
    )


def fine(stdout: str) -> JobResult:
    return JobResult("a", Outcome.EXITED, 0, stdout=stdout.encode())


@pytest.mark.parametrize("outcome", [Outcome.CRASHED, Outcome.HUNG, Outcome.TIMEOUT])
def test_the_schedule_that_a_kernel_died_of_is_named(boots, answers, outcome: Outcome) -> None:
    given = boots(
        crashed("run 0 P,P done 2 .\nrun 0 P,C do", "\n0 ..!\n1 ..!\n2 .", outcome),
        fine("run 0 P,C done 2 .\nrun 1 P,P done 2 .\n"),
    )
    assert answers() == [
        "run 0 P,P done 2 .",
        Unanswered("1 frames P", "BUG: x", 0, "Oops"),
        "run 0 P,C done 2 .",
        "run 1 P,P done 2 .",
    ]
    # What was run but not heard is run again, what the kernel died of is not.
    assert given == [LINES, [LINES[1], LINES[3]]]


@pytest.mark.parametrize(("recorded", "moves"), [("\n3 ..", 1), ("\n3 ..!", 2), ("\n3 ", 0)])
def test_so_is_the_move(boots, answers, recorded: str, moves: int) -> None:
    boots(crashed("", recorded), fine("skip 0 x: y\n"))
    assert answers()[0] == Unanswered("1 frames P,P", "BUG: x", moves, "Oops")


def test_without_a_recorder_it_is_the_first_without_an_answer(boots, answers) -> None:
    given = boots(crashed("skip 0 x: y\n", ""), fine(""))
    assert answers() == ["skip 0 x: y", Unanswered("1 frames P", "BUG: x", 0, "Oops")]
    assert given[1:] == [[LINES[3]]]


def test_a_deadly_test_is_given_up_and_the_others_are_not(
    boots, answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "MOST_DEATHS", 1)
    given = boots(crashed("", "\n0 ."), fine("run 1 P done 1 .\nrun 1 P,P done 2 .\n"))
    why = "not run: the kernel died 1 times of this test"
    assert answers()[:2] == [Unanswered(LINES[0], "BUG: x", 0, "Oops"), Unanswered(LINES[1], why)]
    assert given[1:] == [LINES[2:]]


def test_answers_are_kept_when_the_kernel_does_not_come_up_again(boots, answers) -> None:
    boots(crashed("run 0 P,P done 2 .\n", "\n1 ."), VmError("no boot"))
    first, died, *rest = answers()
    assert first == "run 0 P,P done 2 ."
    assert died == Unanswered(LINES[1], "BUG: x", 0, "Oops")
    assert rest == [Unanswered(line, "not run: no boot") for line in LINES[2:]]


def test_a_death_is_an_outcome(image, boots) -> None:
    program = next(e.program for e in select(["cow+fork+parent-writes"]))
    one, two = list(schedules(program))
    boots(crashed("kernel K\n", "\n0 ..."), fine(f"run 0 {','.join(two)} done 5 .\nend\n"))
    died, done = run_schedules(program, [one, two], Virtual(image))
    assert (died.status, died.moves, died.why) == (Status.CRASHED, 2, "BUG: x")
    assert (died.schedule, died.console) == (one, "Oops")
    assert done.status is Status.DONE


def test_live_shows_it(
    image, boots, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pagefault.cli.live.backend_of", lambda *_: Virtual(image))
    lines = "".join(f"run 0 {moves} done 5 . C:r0=1\n" for moves in ["P,P,P,C,P"])
    for _ in range(3):
        boots(crashed("", "\n0 ...."), fine(lines))
        form = [[], ["--tap"], ["--json"]][_]
        assert run_command(["live", "cow+fork+parent-writes", *form]) == 1
        out = capsys.readouterr().out
        if form == ["--json"]:
            told = json.loads(out)["tests"][0]["outcomes"][0]
            assert (told["status"], told["why"], told["console"]) == ("crashed", "BUG: x", "Oops")
        else:
            where = "P,P,P,P,C in move 4, P: A[0] = 2"
            assert f"{where}: the kernel died: BUG: x" in out
            assert "| Oops" in out
            assert ("not ok 1" in out) == bool(form)
            assert "Never 0 1" in out


def test_a_machine_may_be_crashed(image, boots, capsys: pytest.CaptureFixture[str]) -> None:
    program = load(Path(__file__).with_name("dangerous.litmus"))
    boots(fine("run 0 P,P,P done 3 * P:r0=1\n"))
    (outcome,) = run_schedules(program, [("P", "P", "P")], Virtual(image))
    assert outcome.status is Status.DONE


def test_stress_shows_it(
    image, boots, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pagefault.cli.live.backend_of", lambda *_: Virtual(image))
    boots(crashed("", "\n0 "))
    assert run_command(["live", "cow+fork+parent-writes", "--stress", "9"]) == 1
    assert "Crashed cow+fork+parent-writes: BUG: x\nOops" in capsys.readouterr().out


def test_an_unknown_kernel_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["live", "cow/", "--kernel", "no-such"]) == 2
    error = capsys.readouterr().err
    assert "no kernel image 'no-such'" in error
    assert "host is the kernel that runs here" in error


@pytest.fixture
def real() -> Image:
    if shutil.which(qemu.QEMU) is None:
        pytest.skip(f"no {qemu.QEMU} here")
    images = [image for image in kernels.images() if image.name in ("6.12", "6.1", "5.10")]
    if not images:
        pytest.skip("no kernel image here: PAGEFAULT_KERNELS, or pagefault kernels fetch 6.12")
    return images[-1]


def test_a_real_kernel_that_dies(real: Image) -> None:
    program = next(e.program for e in select(["cow+fork+parent-writes"]))
    one, two = list(schedules(program))
    store = "store(A_, 0, 2);"
    text = c_program(program)
    assert store in text
    # Where the child has read before, as in the second schedule only.
    panic = (
        'if (shared->seat[1].reg[0]) (void)!write(open("/proc/sysrq-trigger", O_WRONLY), "c", 1);'
    )
    binary = build(text.replace(store, panic + store))
    lines = [f"0 {','.join(moves)}" for moves in (one, two, one[:3])]
    answers = list(Virtual(real).run(binary, lines, 10.0))
    (died,) = (line for line in answers if isinstance(line, Unanswered))
    assert (died.line, died.moves) == (lines[1], 4)
    assert "sysrq triggered crash" in died.why
    ran = sorted(line.split()[2] for line in answers if str(line).startswith("run"))
    assert ran == [",".join(one[:3]), ",".join(one)]


def test_a_test_runs_on_a_real_image(real: Image) -> None:
    program = next(e.program for e in select(["cow+fork+parent-writes"]))
    backend = Virtual(real)
    (outcome,) = run_schedules(program, [("P", "P", "P", "C", "P")], backend, frames=True)
    assert outcome.values == "C:r0=1 P:A=2,0,0,0 C:A=1,0,0,0 P:A@1 C:A@2"
