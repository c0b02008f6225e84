"""One boot of a guest, followed from the start of QEMU to its end."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import BinaryIO

from pagefault.live.errors import VmError
from pagefault.live.frames import Frame, FrameReader
from pagefault.live.jobs import Job, JobResult, Outcome

__all__ = ["Boot", "Watch"]

# A job that the guest should have ended long ago: how much later, in seconds, the kernel is taken
# for hung. The guest itself waits 10 s for what it kills.
GRACE = 25.0
TAIL_LINES = 60
_END = re.compile(r"(\d+) (\d+) (.*)", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
TICK = 0.5  # seconds between two looks at the console
ENDS_S = 5.0  # in which QEMU ends when it has closed its output
MOST_RECORDED = 1 << 14  # bytes


@dataclass
class Boot:
    """What one boot said so far."""

    release: str = ""
    features: dict[str, str] = field(default_factory=dict)
    came_up: float = 0.0
    results: dict[int, JobResult] = field(default_factory=dict)
    running: int | None = None
    heard: int = 0
    """Frames since the start of the job in flight."""
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    log: list[str] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    done: bool = False
    hung: bool = False
    console: str = ""


class Watch:
    """Follows a guest: turns frames into results, and ends it when it says nothing for too long."""

    def __init__(
        self,
        boot: Boot,
        jobs: Mapping[int, Job],
        number: int,
        boot_seconds: float,
        on_result: Callable[[JobResult], None] | None,
        stop: Event | None = None,
    ) -> None:
        self.boot = boot
        self.jobs = jobs
        self.number = number
        self.patience = boot_seconds
        self.on_result = on_result
        self.stop = stop
        self.recorder = Path(os.devnull)
        self.recorded = 0
        self.ended = ""
        self.begin = time.monotonic()
        self.deadline = self.begin + boot_seconds

    def follow(self, line: list[str], folder: Path) -> None:
        """Run QEMU until it ends or hangs. The guest does not outlive this call.

        VmError if it is stopped, or if there is no QEMU that runs.
        """
        frames, console = FrameReader(), FrameReader()
        errors = folder / "errors"
        self.recorder = folder / "recorder"
        with errors.open("wb") as stderr, (folder / "console").open("w+b") as log:
            process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # A Ctrl-C is for us: to the guest it would look as if it had died.
                start_new_session=True,
            )
            try:
                assert process.stdout is not None
                with selectors.DefaultSelector() as selector:
                    selector.register(process.stdout, selectors.EVENT_READ)
                    self._read(process.stdout.fileno(), selector, frames, console, log)
                self.ended = _end_of(process)
            finally:
                process.kill()
                process.wait()
                assert process.stdout is not None
                process.stdout.close()
            log.seek(0)
            self.boot.console = _tail(log.read())
        if not self.boot.release and not self.boot.hung and not self.boot.console:
            raise VmError(f"QEMU ended at once: {errors.read_text(errors='replace').strip()[:500]}")
        if self.stop is not None and self.stop.is_set():
            raise VmError("the virtual machine was stopped")
        self._settle()

    def _read(
        self,
        port: int,
        selector: selectors.BaseSelector,
        frames: FrameReader,
        console: FrameReader,
        log: BinaryIO,
    ) -> None:
        """Take in frames until the guest ends, or is silent beyond the deadline."""
        while True:
            ready = selector.select(min(TICK, max(0.0, self.deadline - time.monotonic())))
            data = os.read(port, 65536) if ready else None
            for frame in frames.feed(data or b""):
                self._take(frame)
            # A kernel with one serial port sends its frames there.
            for frame in console.feed(log.read()):
                self._take(frame)
            self._look_at_recorder()
            if data == b"" or (self.stop is not None and self.stop.is_set()):
                return
            if time.monotonic() >= self.deadline:
                self.boot.hung = True
                return

    def _take(self, frame: Frame) -> None:
        """Keep what a frame says, and set the next deadline."""
        boot = self.boot
        now = time.monotonic()
        self.deadline = now + self.patience
        match frame.kind:
            case "boot":
                boot.release = frame.text
                boot.came_up = now - self.begin
            case "feature":
                name, _, why = frame.text.partition("=")
                boot.features[name] = why
            case "done":
                boot.done = True
            case "start" if frame.job in self.jobs:
                boot.running = frame.job
                self._forget()
            case "end" if frame.job in self.jobs:
                self._end(frame)
            case "out" | "err" | "log" | "cut" if frame.job == boot.running:
                self._hear(frame)
        if boot.running is not None:
            job = self.jobs[boot.running]
            self.deadline = now + (job.silence or job.timeout + GRACE)

    def _look_at_recorder(self) -> None:
        """A job that still records its steps is not silent."""
        running = self.boot.running
        silence = None if running is None else self.jobs[running].silence
        size = self.recorder.stat().st_size if silence and self.recorder.exists() else 0
        if silence and size > self.recorded:
            self.recorded = size
            self.deadline = time.monotonic() + silence

    def _hear(self, frame: Frame) -> None:
        """Something that belongs to the job in flight."""
        boot = self.boot
        boot.heard += 1
        match frame.kind:
            case "out":
                boot.out += frame.payload
            case "err":
                boot.err += frame.payload
            case "log":
                boot.log.append(frame.text)
            case "cut":
                boot.cut.add(frame.text)

    def _end(self, frame: Frame) -> None:
        """The end of a job: milliseconds, how many frames there were since its start, and how.

        If some were lost, so is the result: the job will run again in another boot.
        """
        boot = self.boot
        match = _END.fullmatch(frame.text)
        skipped = boot.running is None and match and match[3].startswith("skip ")
        whole = frame.job == boot.running and match and int(match[2]) == boot.heard
        if match and (skipped or whole):
            seconds = int(match[1]) / 1000
            self._finish(frame.job, _result(self.jobs[frame.job], seconds, match[3]))
        else:
            boot.running = None
            self._forget()

    def _forget(self) -> None:
        self.boot.heard = 0
        self.boot.out.clear()
        self.boot.err.clear()
        self.boot.log.clear()
        self.boot.cut.clear()

    def _finish(self, number: int, result: JobResult) -> None:
        """A job's result is known: put together with what it wrote."""
        boot = self.boot
        whole = replace(
            result,
            stdout=bytes(boot.out),
            stderr=bytes(boot.err),
            kernel_log=tuple(boot.log),
            recorded=_last_bytes(self.recorder),
            cut=frozenset(boot.cut),
            boot=self.number,
        )
        boot.results[number] = whole
        boot.running = None
        self._forget()
        if self.on_result is not None:
            self.on_result(whole)

    def _settle(self) -> None:
        """The guest is gone. A job that was in flight has ended it."""
        boot = self.boot
        if boot.running is None:
            return
        job = self.jobs[boot.running]
        if boot.hung:
            outcome, why = Outcome.HUNG, "the kernel gave no more answer"
        else:
            outcome, why = Outcome.CRASHED, _obituary(boot.console) or self.ended
        self._finish(boot.running, JobResult(job.name, outcome, reason=why, console=boot.console))


def _result(job: Job, seconds: float, how: str) -> JobResult:
    """The result that an `end` frame tells: a word, and what belongs to it."""
    word, _, more = how.partition(" ")
    match word:
        case "exit" | "signal" if more.isdigit():
            outcome = Outcome.EXITED if word == "exit" else Outcome.SIGNALLED
            return JobResult(job.name, outcome, int(more), seconds=seconds)
        case "timeout":
            why = f"it ran longer than {job.timeout:g} s"
            return JobResult(job.name, Outcome.TIMEOUT, seconds=seconds, reason=why)
        case "stuck":
            why = "a process of it could not be killed"
            return JobResult(job.name, Outcome.HUNG, seconds=seconds, reason=why)
        case "skip":
            return JobResult(job.name, Outcome.SKIPPED, reason=more)
    return JobResult(job.name, Outcome.NOT_RUN, seconds=seconds, reason=more or "no frame says why")


def _tail(console: bytes) -> str:
    """The console's last lines, without frames, colours and control characters."""
    lines = _COLOUR.sub("", console.decode(errors="replace")).splitlines()
    said = [line for line in lines if line.strip() and "@PF " not in line]
    clean = ["".join(c for c in line if c.isprintable() or c == "\t") for line in said]
    return "\n".join(clean[-TAIL_LINES:])


def _obituary(console: str) -> str:
    """The line of the console that says best why a kernel died; "" if none does."""
    lines = console.splitlines()
    for words in ("BUG:", "kernel BUG at", "Oops:", "general protection", "Kernel panic"):
        for line in lines:
            if words in line:
                return line.partition("] ")[2] or line
    return ""


def _end_of(process: subprocess.Popen[bytes]) -> str:
    """How QEMU ended that has closed its output."""
    try:
        code = process.wait(ENDS_S)
    except subprocess.TimeoutExpired:
        return "the machine said no more"
    if code:
        return f"QEMU ended by {f'signal {-code}' if code < 0 else f'exit code {code}'}"
    return "the machine ended without a word"


def _last_bytes(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MOST_RECORDED))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
