"""A kernel image as a backend: how lines become jobs, and what becomes of their results."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from pagefault.cli.app import run as run_command
from pagefault.errors import LiveError
from pagefault.lang import select
from pagefault.live import kernels, qemu, run_schedules, virtual
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

    def run(image: Image, jobs: Sequence[Job], *, options: object) -> list[JobResult]:
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
    assert first.argv == ("-",)
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
        (JobResult("a", Outcome.CRASHED, reason="kernel BUG"), "the kernel died: kernel BUG"),
        (JobResult("a", Outcome.HUNG, reason="silence"), "the kernel hung: silence"),
        (JobResult("a", Outcome.TIMEOUT, reason="too long"), "did not end: too long"),
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


def test_an_unknown_kernel_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["live", "cow/", "--kernel", "no-such"]) == 2
    error = capsys.readouterr().err
    assert "no kernel image 'no-such'" in error
    assert "host is the kernel that runs here" in error


def test_a_test_runs_on_a_real_image() -> None:
    if shutil.which(qemu.QEMU) is None:
        pytest.skip(f"no {qemu.QEMU} here")
    images = [image for image in kernels.images() if image.name in ("6.12", "6.1", "5.10")]
    if not images:
        pytest.skip("no kernel image here: PAGEFAULT_KERNELS, or pagefault kernels fetch 6.12")
    program = next(e.program for e in select(["cow+fork+parent-writes"]))
    backend = Virtual(images[-1])
    (outcome,) = run_schedules(program, [("P", "P", "P", "C", "P")], backend, frames=True)
    assert outcome.values == "C:r0=1 P:A=2,0,0,0 C:A=1,0,0,0 P:A@1 C:A@2"
