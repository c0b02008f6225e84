"""A kernel image in a virtual machine as a backend."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event

from pagefault.errors import LiveError
from pagefault.live.backend import Unanswered
from pagefault.live.errors import VmError
from pagefault.live.jobs import Job, JobResult, Outcome
from pagefault.live.kernels import Image
from pagefault.live.vm import Options, run

__all__ = ["LINES_A_JOB", "SETTINGS", "Virtual"]

LINES_A_JOB = 4000
"""A guest keeps the first MiB of what a job prints, and a line is some 100 bytes long."""

START_S = 120.0
"""Patience with a job beyond what its lines may take, in seconds."""

SILENCE_S = 60.0
"""A kernel under which no schedule goes on for so long, in seconds, has hung."""

SETTINGS = "/sys/kernel/mm"
"""What the user may set in a guest stands below."""

MOST_DEATHS = 3
"""So often a kernel may die of one test; the rest of its schedules are not run."""

WANTS = {
    b"PAGEFAULT_FS": "block",
    b"PAGEFAULT_CGROUP": "cgroup",
    b"(/proc/swaps)": "swap",
    b"a second NUMA node": "numa",
}
"""What a guest must set up, by what is found in a binary that wants it: the names of a folder for
O_DIRECT and of a cgroup, the words in which the lack of swap or of a node is told."""


@dataclass(frozen=True)
class Virtual:
    """A kernel image in QEMU: all that is asked at once goes into one boot, as root."""

    image: Image
    options: Options = field(default_factory=Options)
    stopping: Event = field(default_factory=Event, compare=False)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return ",".join((self.image.name, *self._settings))

    @property
    def _settings(self) -> list[str]:
        """What is written into files of the kernel first."""
        written = self.options.sysctls.items()
        return [f"{file.removeprefix(f'{SETTINGS}/')}={text}" for file, text in written]

    @property
    def release(self) -> str:
        """What uname -r says there."""
        return self.image.release

    @property
    def expendable(self) -> bool:
        """Nobody misses a virtual machine."""
        return True

    @cached_property
    def identity(self) -> str:
        """Release and hash of the boot image."""
        digest = hashlib.sha256(self.image.path.read_bytes()).hexdigest()
        return " ".join((self.image.release, "image", digest[:16], *self._settings))

    def run(
        self, binary: Path, lines: Sequence[str], patience_s: float
    ) -> Iterable[str | Unanswered]:
        """What the binary prints. LiveError if it fails, or if the kernel does not come up.

        If the kernel dies, what was not answered by then goes on in a fresh boot.
        """
        left = list(lines)
        deaths: Counter[str] = Counter()
        while True:
            try:
                answers, done = self._round(binary, left, patience_s)
            except (LiveError, VmError) as error:
                if len(left) == len(lines) or self.stopping.is_set():
                    raise
                # What was answered before is not lost.
                answers = [Unanswered(line, f"not run: {error.message}") for line in left]
                done = set(range(len(left)))
            yield from answers
            deaths.update(_test(a.line) for a in answers if isinstance(a, Unanswered))
            left = [line for n, line in enumerate(left) if n not in done]
            why = f"not run: the kernel died {MOST_DEATHS} times of this test"
            yield from (
                Unanswered(line, why) for line in left if deaths[_test(line)] >= MOST_DEATHS
            )
            left = [line for line in left if deaths[_test(line)] < MOST_DEATHS]
            if not left:
                return

    def _round(
        self, binary: Path, lines: Sequence[str], patience_s: float
    ) -> tuple[list[str | Unanswered], set[int]]:
        """What came of it, and the numbers of the lines that need not be run again."""
        answers: list[str | Unanswered] = []
        done: set[int] = set()
        for share, result in self._boots(binary, lines, patience_s):
            said = self._lines(result)
            answers += said
            if not _died(result):
                done |= set(share)
                continue
            done |= _answered(share, said)
            if (death := _death(share, done, result)) is not None:
                done.add(death[0])
                answers.append(death[1])
        if lines and not done:
            raise LiveError(f"kernel {self.name}: {_end(result)}", hint=_hint(result))
        return answers, done

    def stop(self) -> None:
        """End the virtual machine."""
        self.stopping.set()

    def _boots(
        self, binary: Path, lines: Sequence[str], patience_s: float
    ) -> Iterable[tuple[Mapping[int, str], JobResult]]:
        """The lines by their numbers, dealt to jobs, and what became of each."""
        numbered = list(enumerate(lines))
        shares = [
            dict(numbered[at : at + LINES_A_JOB]) for at in range(0, len(lines), LINES_A_JOB)
        ] or [{}]
        content = binary.read_bytes()
        needs = frozenset(need for mark, need in WANTS.items() if mark in content)
        jobs = [_job(binary, share, needs, patience_s) for share in shares]
        results = run(self.image, jobs, options=self.options, stop=self.stopping)
        if needs and any(result.outcome is Outcome.SKIPPED for result in results):
            # Without a file system or swap the test program skips those tests that want one.
            bare = [_job(binary, share, frozenset(), patience_s) for share in shares]
            results = run(self.image, bare, options=self.options, stop=self.stopping)
        return zip(shares, results, strict=True)

    def _lines(self, result: JobResult) -> list[str]:
        if not _died(result) and (result.outcome is not Outcome.EXITED or result.code != 0):
            raise LiveError(f"kernel {self.name}: {_end(result)}", hint=_hint(result))
        if result.cut:
            raise LiveError(f"kernel {self.name}: the test program printed more than a guest keeps")
        lines = result.stdout.decode(errors="replace").split("\n")
        return lines[:-1]  # the last one has no end, if the kernel died


DEATHS = (Outcome.CRASHED, Outcome.HUNG, Outcome.TIMEOUT, Outcome.NOT_RUN)


def _died(result: JobResult) -> bool:
    """Whether the kernel died or hung before the job was done."""
    return result.outcome in DEATHS


def _test(line: str) -> str:
    """The number of the test that a line is about."""
    return line.partition(" ")[0]


def _answered(share: Mapping[int, str], said: Sequence[str]) -> set[int]:
    """Which lines got their answer: an outcome, or that their test cannot be run."""
    words = [line.split(" ") for line in said]
    skipped = {number for kind, number, *_ in (w for w in words if len(w) > 1) if kind == "skip"}
    ran = {tuple(w[1:3]) for w in words if w[0] == "run"}
    return {
        n
        for n, line in share.items()
        if _test(line) in skipped or (_test(line), line.rpartition(" ")[2] or ",") in ran
    }


def _death(
    share: Mapping[int, str], done: set[int], result: JobResult
) -> tuple[int, Unanswered] | None:
    """The line that was run when the kernel died, by its number; None if none was.

    The recorder tells it. Without one, it is the first that was not answered.
    """
    if result.outcome is Outcome.NOT_RUN:
        return None
    begun = {int(n): moves for n, moves in _RECORD.findall(result.recorded) if int(n) in share}
    number = max(begun, default=next((n for n in share if n not in done), None))
    if number is None or number in done:
        return None
    moves = begun.get(number, "")
    made = len(moves.rstrip("!")) - (not moves.endswith("!"))
    return number, Unanswered(share[number], _why(result), max(0, made), _said(result))


_RECORD = re.compile(r"^(\d+) (\.*!?)", re.MULTILINE)
"""What the test program writes to the recorder; see turns.c."""


def _job(binary: Path, share: Mapping[int, str], needs: frozenset[str], patience_s: float) -> Job:
    first = next(iter(share), 0)
    return Job(
        name=f"lines-from-{first}",
        binary=binary,
        argv=("--record", str(first), "-"),
        stdin="".join(f"{line}\n" for line in share.values()).encode(),
        timeout=START_S + patience_s,
        silence=SILENCE_S,
        needs=needs,
    )


def _end(result: JobResult) -> str:
    """How it ended, in words."""
    match result.outcome:
        case Outcome.EXITED:
            return f"the test program failed with exit code {result.code}"
        case Outcome.SIGNALLED:
            return f"the test program died of signal {result.code}"
    return f"no schedule could be run: {_why(result)}"


def _why(result: JobResult) -> str:
    return result.reason or result.outcome.value


def _said(result: JobResult) -> str:
    return result.console or result.stderr.decode(errors="replace").strip()


def _hint(result: JobResult) -> str | None:
    said = _said(result)
    return f"what was said last:\n{said}" if said else None
