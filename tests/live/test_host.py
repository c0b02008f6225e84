"""Schedules on the kernel that runs here."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pagefault.conform.run import design_for
from pagefault.errors import LiveError
from pagefault.explore.search import explore
from pagefault.lang import Program, catalogue
from pagefault.lang.generate import generate
from pagefault.lang.schedule import sample_schedules, schedules
from pagefault.link import link
from pagefault.live import (
    Answers,
    Host,
    Outcome,
    SkippedError,
    Status,
    c_program,
    final,
    holds,
    run_many,
    run_schedules,
    run_stress,
    verdict_of,
)
from pagefault.live.compiler import build, compiler
from pagefault.live.danger import DANGERS
from pagefault.live.statements import MODEL_ONLY
from pagefault.verdict import Verdict

SEGV = -1011


def only(program: Program, host: Host) -> Outcome:
    """The outcome of a program with one schedule. What the host lacks is a skip."""
    try:
        (outcome,) = run_schedules(program, schedules(program), host)
    except SkippedError as skip:
        pytest.skip(skip.message)
    return outcome


@pytest.fixture(scope="module")
def answers(host: Host) -> dict[str, Answers]:
    """The whole catalogue."""
    work = [(e.program, schedules(e.program)) for e in catalogue()]
    return {a.program.name: a for a in run_many(work, host)}


@pytest.mark.parametrize("entry", catalogue(), ids=lambda e: e.name)
def test_the_catalogue_goes_as_claimed(entry, answers: dict[str, Answers], host: Host) -> None:
    """Of the design of this release, or of mainline where nothing is claimed of that."""
    got = answers[entry.name]
    if got.skip:
        pytest.skip(got.skip)
    if any(o.status is Status.UNABLE for o in got.outcomes):
        pytest.skip(got.outcomes[0].why)
    assert all(o.status in (Status.DONE, Status.BLOCKED) for o in got.outcomes)
    ends = final(got.outcomes)
    positive = sum(o.holds for o in ends)
    designs = {claim.design for claim in entry.program.header.expect}
    release = design_for(host.release)
    design = release if release in designs else "mainline"
    claimed = verdict_in_turns(entry.program, design)
    if claimed is Verdict.SOMETIMES and len(got.outcomes) == 1:
        return  # of one schedule: the kernel has a choice, and either is as claimed
    assert verdict_of(positive, len(ends) - positive) == claimed


def verdict_in_turns(program: Program, design: str) -> Verdict:
    """What is claimed of whole statements in turn; where only of steps, what the model says."""
    claims = [c for c in program.header.expect if c.design == design and "op" in c.grains]
    return claims[0].verdict if claims else explore(link(design), program, "op").verdict


def test_four_tests_in_five_can_run(answers: dict[str, Answers]) -> None:
    able = [
        a
        for a in answers.values()
        if not a.skip and all(o.status is not Status.UNABLE for o in a.outcomes)
    ]
    lacking = {a.skip for a in answers.values() if a.skip.startswith("needs ")}
    if len(able) < 0.8 * len(answers) and lacking:
        pytest.skip(f"this machine lacks a lot: it {'; it '.join(sorted(lacking))}")
    assert len(able) >= 0.8 * len(answers)


def test_both_judge_the_condition_alike(answers: dict[str, Answers]) -> None:
    judged = 0
    for a in answers.values():
        for outcome in a.outcomes:
            if outcome.status is Status.DONE:
                assert holds(a.program, outcome) == outcome.holds
                judged += 1
    assert judged > 100


def test_generated_programs_run_many_in_one_binary(host: Host) -> None:
    programs = [generate(seed, without=MODEL_ONLY) for seed in range(60)]
    work = [(p, sample_schedules(p, 5)) for p in programs]
    answers = list(run_many(work, host))
    assert [a.program for a in answers] == programs
    for a, (_, chosen) in zip(answers, work, strict=True):
        if not a.skip:
            assert [o.schedule for o in a.outcomes] == chosen
            assert all(o.status is not Status.HUNG for o in a.outcomes)


# Schedules are followed.

RACE = """process P {
    A = mmap(anon, private, rw); clone(T); clone(U)
    r0 = A[0]; A[0] = 1; r1 = A[0]; A[1] = 4
}
thread T { r0 = A[0]; A[0] = 2; r1 = A[0] }
thread U { r0 = A[0]; A[0] = 3; r1 = A[0]; r2 = A[1] }"""


def race(moves: Iterable[str]) -> dict[str, int]:
    """What the loads of RACE give if one task moves after the other."""
    memory, registers = [0, 0], {}
    done = {"P": -3, "T": 0, "U": 0}
    value = {"P": 1, "T": 2, "U": 3}
    for task in moves:
        match done[task]:
            case 0 | 2 as at:
                registers[f"{task}:r{at // 2}"] = memory[0]
            case 1:
                memory[0] = value[task]
            case 3 if task == "P":
                memory[1] = 4
            case 3:
                registers[f"{task}:r2"] = memory[1]
        done[task] += 1
    return registers


def test_a_forced_schedule_is_followed(program: Callable[..., Program], host: Host) -> None:
    test = program(RACE)
    chosen = sample_schedules(test, 300, seed=1)
    outcomes = run_schedules(test, chosen, host)
    assert len(outcomes) == 300
    for outcome in outcomes:
        assert outcome.status is Status.DONE
        assert outcome.registers == race(outcome.schedule)
    assert len({tuple(o.registers.values()) for o in outcomes}) > 50


def test_two_drivers_share_the_schedules(program: Callable[..., Program], host: Host) -> None:
    test = program(RACE)
    chosen = sample_schedules(test, 50, seed=2)
    assert run_schedules(test, chosen, Host(jobs=2)) == run_schedules(test, chosen, host)


def test_a_schedule_may_end_early(program: Callable[..., Program], host: Host) -> None:
    test = program("process P { A = mmap(anon, private, rw); A[0] = 1; r0 = A[0] }")
    (outcome,) = run_schedules(test, [("P", "P")], host)
    assert (outcome.status, outcome.moves) == (Status.DONE, 2)
    assert outcome.registers == {"P:r0": 0}
    assert outcome.cells == {"P:A": (1, 0, 0, 0)}
    (nothing,) = run_schedules(test, [()], host)
    assert (nothing.status, nothing.cells) == (Status.DONE, {"P:A": None})


# Whoever cannot move is reported as blocked.


def test_reading_an_empty_pipe_is_blocked(program: Callable[..., Program], host: Host) -> None:
    test = program(
        "process P { A = mmap(anon, private, rw); clone(T); r0 = read(p) }\n"
        "thread T { vmsplice(A, p) }"
    )
    try:
        (outcome,) = run_schedules(test, [("P", "P", "P", "T")], host)
    except SkippedError as skip:
        pytest.skip(skip.message)
    assert (outcome.status, outcome.moves) == (Status.BLOCKED, 2)


def test_a_vmsplice_that_fails_leaves_the_reader_waiting(
    program: Callable[..., Program], host: Host
) -> None:
    test = program(
        "process P { A = mmap(anon, private, rw); munmap(A); clone(T); r0 = read(p) }\n"
        "thread T { r1 = vmsplice(A, p) }",
        "T:r1 = EFAULT",
    )
    chosen = list(schedules(test))
    try:
        outcomes = run_schedules(test, chosen, host)
    except SkippedError as skip:
        pytest.skip(skip.message)
    assert {o.status for o in outcomes} == {Status.DONE, Status.BLOCKED}
    ends = final(outcomes)
    assert [o.schedule for o in ends] == [("P", "P", "P", "T")]
    assert ends[0].holds


def test_who_has_exited_or_not_begun_cannot_move(
    program: Callable[..., Program], host: Host
) -> None:
    test = program(
        "process P { A = mmap(anon, private, rw); fork(C); r0 = A[0]; exit() }\n"
        "process C { A[0] = 1; exit() }"
    )
    outcomes = run_schedules(test, [("P", "C"), ("P", "P", "C", "C", "C")], host)
    assert [(o.status, o.moves) for o in outcomes] == [(Status.BLOCKED, 1), (Status.BLOCKED, 4)]


def test_a_child_whose_threads_live_on_is_not_waited_for(
    program: Callable[..., Program], host: Host
) -> None:
    """include/linux/sched/signal.h delay_group_leader(), which the language has taken over."""
    test = program(
        "process P { A = mmap(anon, private, rw); fork(C); r0 = wait(C) }\n"
        "process C { clone(T); exit() }\n"
        "thread T { r0 = A[0]; exit() }",
        "P:r0 = 0",
    )
    early, late = run_schedules(
        test, [("P", "P", "C", "C", "P", "T", "T"), ("P", "P", "C", "C", "T", "T", "P")], host
    )
    assert (early.status, early.moves) == (Status.BLOCKED, 4)
    assert (late.status, late.holds) == (Status.DONE, True)


# Faults and errors are outcomes.


def test_faults_are_caught(program: Callable[..., Program], host: Host) -> None:
    test = program(
        """process P {
    A, B = mmap(anon, private, r)
    munmap(B)
    A[0] = 1
    r0 = B[1]
    r1 = A[0]
    mprotect(A, none)
    r2 = A[0]
}""",
        "P:signal = SIGSEGV",
    )
    outcome = only(test, host)
    assert outcome.registers == {"P:r0": SEGV, "P:r1": 0, "P:r2": SEGV}
    assert outcome.signals == {"P": 11}
    assert outcome.cells == {"P:A": None, "P:B": None}
    assert outcome.holds
    assert outcome.values == ("P:r0=SIGSEGV P:r1=0 P:r2=SIGSEGV P:signal=SIGSEGV P:A=- P:B=-")


def test_errors_are_negative_errnos(program: Callable[..., Program], host: Host) -> None:
    test = program(
        """process P {
    A = mmap(anon, private, none)
    munmap(A)
    r0 = mprotect(A, r)
    r1 = madvise(A, dontneed)
    A = mremap(B)
    r2 = munmap(A)
    fork(C)
    wait(C)
    r3 = process_vm_readv(C, A[0])
    r4 = process_vm_readv(P, A[0])
}
process C { B = mmap(anon, private, rw); exit() }""".replace("    A = mremap(B)\n", ""),
        "P:r3 = ESRCH",
    )
    outcome = only(test, host)
    assert outcome.registers == {
        "P:r0": -errno.ENOMEM,
        "P:r1": -errno.ENOMEM,
        "P:r2": 0,
        "P:r3": -errno.ESRCH,
        "P:r4": -errno.EFAULT,
    }


PINS = """process P {{
    A = mmap(anon, private, rw)
    A[0] = 1; A[1] = 2
    h = {take}
    A[1] = 3
    r0 = dma_read(h); r1 = dma_read(h[1])
    r2 = dma_write(h[2], 5)
    r3 = unpin(h)
    r4 = unpin(h)
    r5 = dma_read(h)
    r6 = A[2]
}}"""


@pytest.mark.parametrize(
    ("take", "write", "stored"),
    [
        ("pin(A, write, longterm)", 0, 5),
        ("pin(A, write)", 0, 5),
        ("pin(A, read)", -errno.EACCES, 0),
        ("pin(A, read, longterm)", -errno.EACCES, 0),
        ("get(A, read)", -errno.EACCES, 0),
    ],
)
def test_pins(
    program: Callable[..., Program], host: Host, take: str, write: int, stored: int
) -> None:
    outcome = only(program(PINS.format(take=take)), host)
    if outcome.status is Status.UNABLE:
        pytest.skip(outcome.why)
    assert list(outcome.registers.values()) == [
        1, 3, write, 0, -errno.EINVAL, -errno.EINVAL, stored
    ]  # fmt: skip


@pytest.mark.parametrize("take", ["pin(A, write)", "pin(A, read)", "get(A, read)", "get(A, write)"])
def test_pins_that_fail(program: Callable[..., Program], host: Host, take: str) -> None:
    test = program(
        f"process P {{ A = mmap(anon, private, none); h = {take}\n"
        "r0 = dma_read(h); r1 = unpin(h) }"
    )
    outcome = only(test, host)
    assert outcome.registers == {"P:r0": -errno.EFAULT, "P:r1": -errno.EINVAL}
    assert not outcome.signals


# Stress.


def test_ksmd_stops_when_all_tasks_are_killed(host: Host, tmp_path: Path) -> None:
    """It would spin for as long as the machine runs, and other tests would find it busy."""
    run = Path("/sys/kernel/mm/ksm/run")
    (entry,) = [e for e in catalogue() if e.name == "ksm+store"]
    only(entry.program, host)
    asked = tmp_path / "asked"
    (schedule,) = schedules(entry.program)
    asked.write_text(f"0 {','.join(schedule)}\n" * 100)
    with asked.open() as lines:
        driver = subprocess.Popen(
            [build(c_program(entry.program)), "-"],
            stdin=lines,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    while run.read_text() != "1\n":
        assert driver.poll() is None, "it ended before it was seen to scan"
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    end = time.monotonic() + 10
    while run.read_text() != "0\n" and time.monotonic() < end:
        time.sleep(0.01)
    assert run.read_text() == "0\n"


def test_stress_finds_more_than_one_outcome(host: Host) -> None:
    (entry,) = (e for e in catalogue() if e.name == "tlb+munmap+load")
    for _ in range(20):  # one CPU, or a busy machine, may need several tries
        histogram = run_stress(entry.program, 500, host)
        if len(histogram.rows) > 1:
            break
    assert histogram.positive + histogram.negative == 500
    assert sum(times for _, _, times in histogram.rows) == 500
    assert "T:r0=1; T:signal=11;" in histogram.text or histogram.positive == 0
    assert histogram.text.startswith("Test tlb+munmap+load Allowed\nHistogram (")
    assert "Observation tlb+munmap+load " in histogram.text
    assert len(histogram.rows) > 1


def test_stress_does_not_wait_for_ever(program: Callable[..., Program], host: Host) -> None:
    test = program(
        "process P { A = mmap(anon, private, rw); clone(T); r0 = A[0]; r1 = read(p) }\n"
        "thread T { A[0] = 1 }"
        "\nprocess Q { A = mmap(anon, private, none); vmsplice(A, p) }"
    )
    try:
        histogram = run_stress(test, 5, host)
    except SkippedError as skip:
        pytest.skip(skip.message)
    assert histogram.positive + histogram.negative == 5


def test_what_cannot_run_free_is_skipped(program: Callable[..., Program], host: Host) -> None:
    test = program("process P { A = mmap(anon, private, rw); h = get(A, write); r0 = A[0] }")
    with pytest.raises(SkippedError, match="between which others may move"):
        run_stress(test, 5, host)


def test_what_turns_out_impossible_is_skipped(program: Callable[..., Program], host: Host) -> None:
    test = program(
        "process P { A = mmap(anon, private, rw); h = pin(A, read, longterm); r0 = dma_read(h) }"
    )
    with pytest.raises(SkippedError, match=r"gup_test|CAP_SYS"):
        run_stress(test, 5, host)


# Bad machines.


def test_no_compiler_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    with pytest.raises(LiveError, match="CC names no-such-compiler"):
        compiler()
    monkeypatch.setenv("CC", "")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LiveError, match="there is no C compiler") as error:
        compiler()
    assert "pip install ziglang" in str(error.value)


def test_what_does_not_compile_is_an_error(host: Host) -> None:
    with pytest.raises(LiveError, match="failed:"):
        build("int main(void) { return }")


def test_binaries_are_kept(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGEFAULT_CACHE", str(tmp_path))
    text = "int main(void) { return 3; }"
    binary = build(text)
    assert binary.is_relative_to(tmp_path)
    before = binary.stat().st_mtime_ns
    assert build(text) == binary
    assert binary.stat().st_mtime_ns == before
    with pytest.raises(LiveError, match="exit code 3"):
        list(host.run(binary, ["0 P"], 1))
    assert sorted(path.name for path in binary.parent.iterdir()) == [binary.name]


def test_a_cache_that_cannot_be_written_is_an_error(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PAGEFAULT_CACHE", str(tmp_path / "file"))
    with pytest.raises(LiveError, match="cannot keep what was compiled"):
        build("int main(void) { return 0; }")


# Frames.


def test_frames_tell_what_is_shared(program: Callable[..., Program], host: Host) -> None:
    test = program(
        """process P {
    A, B, D = mmap(anon, private, rw)
    A[0] = 1
    r0 = B[0]
    fork(C)
}
process C { A[0] = 2; r0 = B[0]; r0 = A[0] }""",
        "C:r0 = 2",
    )
    moves = ("P", "P", "P", "P", "C", "C", "C")
    chosen = [moves[:4], moves]
    shared, copied = run_schedules(test, chosen, Host(jobs=2), frames=True)
    if not shared.frames:
        pytest.skip("/proc/PID/pagemap hides frame numbers")
    assert shared.frames == {
        "P:A": 1, "P:B": 0, "P:D": None, "C:A": 1, "C:B": 0, "C:D": None
    }  # fmt: skip
    assert copied.frames["C:A"] == 2
    assert copied.frames["C:B"] == copied.frames["P:B"] == 0
    assert run_schedules(test, chosen, host)[0].frames == {}


def test_what_runs_can_be_stopped(host: Host) -> None:
    (entry,) = (e for e in catalogue() if e.name == "gup+pin-unpin+fork-store")
    backend = Host()
    timer = threading.Timer(1.0, backend.stop)
    timer.start()
    begin = time.monotonic()
    with pytest.raises(LiveError, match="was stopped"):
        list(backend.run(build(c_program(entry.program)), ["0 --stress 1000000"], 1000.0))
    assert time.monotonic() - begin < 20


def says(program: Program, verb: str) -> bool:
    return any(s.verb == verb for task in program.tasks for s in task.statements)


@pytest.mark.parametrize("verb", sorted(DANGERS))
def test_the_host_is_not_asked_for_what_leaves_marks(host: Host, verb: str) -> None:
    program = next(e.program for e in catalogue() if says(e.program, verb))
    (answers,) = run_many([(program, [])], host)
    assert DANGERS[verb] in answers.skip
