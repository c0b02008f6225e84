"""Virtual machines: the archive, the frames, and what becomes of jobs when a kernel dies."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from pagefault.cli.app import run as run_command
from pagefault.live import debian, kernels, qemu, session, vm
from pagefault.live.errors import KernelError, VmError
from pagefault.live.frames import Frame, FrameReader, write_frame
from pagefault.live.initramfs import Entry, compiler, cpio, guest_init, manifest
from pagefault.live.jobs import FEATURES, Job, JobResult, Outcome
from pagefault.live.kernels import Image

HERE = Path(__file__).parent
GUEST = Path(vm.__file__).parent / "guest"


# ---- the archive ----


ENTRIES = [
    Entry("init", b"#!x"),
    Entry("jobs/0.argv", b"a\0b\0", 0o644),
    Entry("jobs/empty", b"", 0o600),
    Entry("tmp", mode=0o1777),
    Entry("bin/a", bytes(range(256)) * 33),
]


def test_archive_is_what_cpio_reads(tmp_path: Path) -> None:
    tool = shutil.which("cpio")
    if tool is None:
        pytest.skip("no cpio here (Debian: the package cpio)")
    listed = subprocess.run(
        [tool, "-idm", "--quiet"], input=cpio(ENTRIES), cwd=tmp_path, capture_output=True
    )
    assert listed.returncode == 0, listed.stderr
    for entry in ENTRIES:
        path = tmp_path / entry.path
        assert path.stat().st_mode & 0o7777 == entry.mode
        assert path.is_dir() if entry.content is None else path.read_bytes() == entry.content


def test_archive_has_parents_before_their_files() -> None:
    data = cpio(ENTRIES)
    assert len(data) % 4 == 0
    assert data.startswith(b"070701")
    names = ["init", "jobs", "jobs/0.argv", "jobs/empty", "tmp", "bin", "bin/a", "TRAILER!!!"]
    places = [data.index(name.encode() + b"\0") for name in names]
    assert places == sorted(places)
    assert data.count(b"070701") == len(names)


def test_manifest_is_lines() -> None:
    settings = {"vm.x": "1", "/sys/y": "0"}
    told = manifest(["a.ko"], settings, {"swap": "s"}, {"block": "no tool"}, ["job 0 1 0 /b"])
    assert told.decode().splitlines() == [
        "module /modules/a.ko",
        "sysctl vm/x 1",
        "set /sys/y 0",
        "swap s",
        "lacks block no tool",
        "features",
        "job 0 1 0 /b",
    ]


# ---- frames ----


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_frames_survive_noise(piece: int) -> None:
    frames = [Frame("out", n, bytes([n]) * n) for n in range(40)]
    noise = b"[    0.1] EXT4-fs \xff\x00@PF out 3 AAAA 00000000\n@PF \n@PF x"
    stream = noise.join(write_frame(frame) for frame in frames) + noise
    reader = FrameReader()
    found = []
    for at in range(0, len(stream), piece):
        found += reader.feed(stream[at : at + piece])
    assert found == frames


def test_frame_in_the_middle_of_a_line_is_found() -> None:
    frame = Frame("end", 3, b"1 exit 0")
    line = b"[ 1.0] oops: " + write_frame(frame).strip() + b" [ 1.1] more\n"
    assert list(FrameReader().feed(line)) == [frame]


def test_damaged_frames_never_happened() -> None:
    whole = write_frame(Frame("out", 1, b"some bytes"))
    for at in range(1, len(whole) - 1):
        damaged = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert not list(FrameReader().feed(damaged)), at


def test_endless_line_does_not_fill_memory() -> None:
    reader = FrameReader()
    for _ in range(100):
        assert not list(reader.feed(b"x" * 10000))
    assert len(reader._rest) < 100_000


# ---- a guest that is played ----


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """An image, and a QEMU whose guest fake_qemu.py plays."""
    tool = tmp_path / "bin" / qemu.QEMU
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "fake_qemu.py"}" "$@"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(vm.__file__).parents[2]))
    monkeypatch.setattr(vm, "guest_init", lambda: b"none")
    return Image("fake", "0.0", tool, None, "here")


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """Makes a job: its name, and its words."""
    binary = tmp_path / "program"
    binary.write_bytes(b"program")
    return lambda name, *words, **more: Job(name, binary, words, **more)


MakeJob = Callable[..., Job]


def test_results_stand_in_the_order_of_the_jobs(fake: Image, job: MakeJob) -> None:
    seen: list[JobResult] = []
    jobs = [job("a", "say", "hello", "exit", "3"), job("b")]
    batch = vm.run_batch(fake, jobs, on_result=seen.append)
    assert batch.results == seen
    assert batch.results[0] == JobResult("a", Outcome.EXITED, 3, b"hello", seconds=0.012, boot=1)
    assert (batch.release, batch.boots, batch.accel) == ("0.0-fake", 1, "tcg")
    assert batch.features == {"swap": "none here", "numa": ""}
    assert vm.run(fake, jobs) == batch.results


def test_noise_on_the_port_is_no_output(fake: Image, job: MakeJob) -> None:
    (result,) = vm.run(fake, [job("a", "noise", "say", "x")])
    assert (result.outcome, result.stdout, result.stderr) == (Outcome.EXITED, b"x", b"before")


def test_job_whose_frames_got_lost_runs_again(fake: Image, job: MakeJob, tmp_path: Path) -> None:
    results = vm.run(fake, [job("a"), job("b", "lose", str(tmp_path / "lost")), job("c")])
    assert [(r.outcome, r.boot) for r in results] == [
        (Outcome.EXITED, 1),
        (Outcome.EXITED, 2),
        (Outcome.EXITED, 1),
    ]


def test_job_that_kills_the_kernel_has_done_it(fake: Image, job: MakeJob) -> None:
    jobs = [job("a"), job("b", "say", "so far", "crash"), job("c"), job("d", "crash"), job("e")]
    batch = vm.run_batch(fake, jobs)
    assert [r.outcome for r in batch.results] == [
        Outcome.EXITED,
        Outcome.CRASHED,
        Outcome.EXITED,
        Outcome.CRASHED,
        Outcome.EXITED,
    ]
    assert [r.boot for r in batch.results] == [1, 1, 2, 2, 3]
    crashed = batch.results[1]
    assert crashed.stdout == b"so far"
    assert crashed.reason == "BUG: unable to handle page fault"
    assert crashed.console.splitlines()[0] == "Linux version 0"


def test_job_that_hangs_the_kernel_is_given_up(
    fake: Image, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "GRACE", 0.5)
    results = vm.run(fake, [job("a", "say", "x", "hang", timeout=0.5), job("b")])
    assert [r.outcome for r in results] == [Outcome.HUNG, Outcome.EXITED]
    assert results[0].stdout == b"x"


def test_what_was_recorded_survives(fake: Image, job: MakeJob) -> None:
    results = vm.run(fake, [job("a", "record", "\n7 ..", "crash"), job("b", "record", "\n8 .!")])
    assert [r.recorded for r in results] == ["\n7 ..", "\n8 .!"]


def test_who_records_no_more_has_hung(
    fake: Image, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TICK", 0.05)
    steps = ["sleep", "0.5", "record", "."] * 3
    jobs = [job("a", *steps, silence=1.0), job("b", *steps, "hang", silence=1.0)]
    results = vm.run(fake, jobs)
    assert [r.outcome for r in results] == [Outcome.EXITED, Outcome.HUNG]
    assert results[1].recorded.endswith("...")


def test_qemu_that_falls_is_told_from_a_kernel(fake: Image, job: MakeJob) -> None:
    (result,) = vm.run(fake, [job("a", "fall")])
    assert (result.outcome, result.reason) == (Outcome.CRASHED, "QEMU ended by exit code 3")


def test_a_machine_can_be_stopped(fake: Image, job: MakeJob) -> None:
    stop = threading.Event()
    timer = threading.Timer(1.0, stop.set)
    timer.start()
    begin = time.monotonic()
    with pytest.raises(VmError, match="was stopped"):
        vm.run(fake, [job("a", "hang"), job("b")], stop=stop)
    assert time.monotonic() - begin < 10


def test_boots_end_some_time(fake: Image, job: MakeJob) -> None:
    jobs = [job(f"{n}", "crash") for n in range(4)]
    results = vm.run(fake, jobs, options=vm.Options(max_boots=2))
    assert [str(r.outcome) for r in results] == ["crashed", "crashed", "not run", "not run"]
    assert results[3].reason == "the guest was booted 2 times already"


def test_jobs_are_dealt_to_boots(fake: Image, job: MakeJob) -> None:
    jobs = [job(f"{n}") for n in range(5)]
    results = vm.run(fake, jobs, options=vm.Options(jobs_per_boot=2))
    assert [r.boot for r in results] == [1, 1, 2, 2, 3]


def test_kernel_that_does_not_come_up_is_an_error(fake: Image, job: MakeJob) -> None:
    with pytest.raises(VmError, match="did not start /init and the machine ended") as caught:
        vm.run(fake, [job("a")], options=vm.Options(append="broken"))
    assert "Linux version 0" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"needs": frozenset({"magic"})}, "no guest offers 'magic'"),
        ({"binary": Path("/no/such/file")}, "no program at"),
        ({"argv": ("a\0b",)}, "a NUL"),
        ({"timeout": 0}, "a time limit of 0 s"),
        ({"timeout": float("inf")}, "a time limit of inf s"),
        ({"timeout": float("nan")}, "a time limit of nan s"),
        ({"needs": frozenset({"module:a\nb"})}, "no guest offers"),
    ],
)
def test_jobs_that_make_no_sense(fake: Image, change: dict[str, object], why: str) -> None:
    told = {"name": "a", "binary": Path(sys.executable), **change}
    with pytest.raises(VmError, match=why):
        vm.run(fake, [Job(**told)])  # type: ignore[arg-type]


def test_missing_qemu_names_the_package(
    fake: Image, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemu, "QEMU", "qemu-system-none")
    with pytest.raises(VmError, match="qemu-system-x86"):
        vm.run(fake, [job("a")])


def test_qemu_that_refuses_is_an_error(
    fake: Image, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = Path(str(shutil.which(qemu.QEMU)))
    tool.write_text("#!/bin/sh\necho bad option >&2\nexit 1\n")
    with pytest.raises(VmError, match="bad option"):
        vm.run(fake, [job("a")])


def test_nodes_share_memory_and_cpus() -> None:
    machine = qemu.Machine(cpus=3, memory_mb=1001, nodes=2)
    line = " ".join(qemu._nodes(machine))
    assert "memory0,size=501M" in line
    assert "memory1,size=500M" in line
    assert "node,nodeid=0,memdev=memory0,cpus=0,cpus=2" in line
    assert "node,nodeid=1,memdev=memory1,cpus=1" in line


def test_features_are_those_that_the_guest_probes() -> None:
    table = (GUEST / "features.h").read_text().partition("features[] = {")[2]
    probed = [line.split('"')[1] for line in table.splitlines() if line.startswith("\t{ ")]
    assert sorted(FEATURES) == sorted(probed)


# ---- real kernels ----


PROGRAM = """
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char text[64] = "", *what = argc > 1 ? argv[1] : "";
	struct utsname name;
	FILE *file;

	uname(&name);
	printf("%s %zd %s\\n", name.release, read(0, text, 63), text);
	fflush(stdout);
	if (!strcmp(what, "segv"))
		raise(SIGSEGV);
	if (!strcmp(what, "wait"))
		pause();
	if (!strcmp(what, "panic")) {
		file = fopen("/proc/sysrq-trigger", "w");
		fputc('c', file);
		fclose(file);
	}
	if (!strcmp(what, "files")) {
		file = fopen("/fs/job/x", "w");
		fputs(file ? "written\\n" : "no file\\n", stdout);
	}
	return 7;
}
"""
KERNEL = "5.10-cloud"


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """A real kernel, fetched once and kept in the user's cache, which later runs find."""
    try:
        qemu.qemu()
        compiler()
    except VmError as error:
        pytest.skip(str(error))
    why = qemu.make_files_disk(tmp_path_factory.mktemp("disk") / "files")
    if why:
        pytest.skip(why)
    folder = Path(
        os.environ.get("PAGEFAULT_KERNELS")
        or Path(platformdirs.user_cache_dir("pagefault")) / "kernels"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAGEFAULT_KERNELS", str(folder))
        with _one_at_a_time(folder):
            try:
                return kernels.find(KERNEL)
            except KernelError:
                pass
            try:
                return debian.fetch("5.10", "cloud-amd64")
            except (KernelError, OSError) as error:
                pytest.skip(f"no kernel {KERNEL} in the store, and none to fetch: {error}")


class _one_at_a_time:  # noqa: N801 - reads as a statement
    """Test processes wait for each other's fetch."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = (folder / ".lock").open("w")

    def __enter__(self) -> None:
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "a.c").write_text(PROGRAM)
    try:
        command = compiler()
    except VmError as error:
        pytest.skip(str(error))
    subprocess.run([*command, "-static", "-w", "-o", "a", "a.c"], cwd=folder, check=True)
    return folder / "a"


def test_guest_init_compiles_without_warnings() -> None:
    try:
        command = compiler()
    except VmError as error:
        pytest.skip(str(error))
    line = [*command, "-static", "-Wall", "-Wextra", "-Werror", "-o", os.devnull]
    done = subprocess.run([*line, str(GUEST / "init.c")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert guest_init()[:4] == b"\x7fELF"


def test_jobs_on_a_real_kernel(kernel: Image, program: Path) -> None:
    """Two boots: a job of the first kills the kernel."""
    disks = frozenset({"swap", "block", "numa", "cgroup"})
    jobs = [
        Job("reads", program, (), b"hello"),
        Job("segv", program, ("segv",)),
        Job("waits", program, ("wait",), timeout=0.5),
        Job("lacks", program, needs=frozenset({"module:nonesuch"})),
        Job("panics", program, ("panic",)),
        Job("writes", program, ("files",), needs=disks, uid=1000),
    ]
    batch = vm.run_batch(kernel, jobs)
    told = {result.name: result for result in batch.results}
    assert told["reads"].stdout == f"{kernel.release} 5 hello\n".encode()
    assert (told["reads"].outcome, told["reads"].code) == (Outcome.EXITED, 7)
    assert (told["segv"].outcome, told["segv"].code) == (Outcome.SIGNALLED, 11)
    assert told["waits"].outcome is Outcome.TIMEOUT
    assert 0.4 < told["waits"].seconds < 5
    assert told["lacks"].outcome is Outcome.SKIPPED
    assert told["lacks"].reason == "module:nonesuch: neither loaded nor built in"
    assert told["panics"].outcome is Outcome.CRASHED
    assert "sysrq triggered crash" in told["panics"].reason
    assert told["panics"].stdout == f"{kernel.release} 0 \n".encode()
    assert (told["writes"].outcome, told["writes"].boot) == (Outcome.EXITED, 2)
    assert b"written" in told["writes"].stdout
    assert batch.boots == 2
    assert set(batch.features) == set(FEATURES)
    assert batch.features["swap"] == batch.features["block"] == batch.features["numa"] == ""


def test_probe_tells_features(
    kernel: Image, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAGEFAULT_KERNELS", str(kernel.path.parents[1]))
    assert run_command(["kernels", "probe", KERNEL]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(kernel.release)
    assert "  swap               a swap device in use" in shown
    assert "  droppable          no: mmap MAP_DROPPABLE" in shown
