"""Schedules go in, outcomes come out: what every kernel that can be asked has in common.

A backend runs a static binary somewhere and gives it lines to read. All else is here: the C
program, the lines, and what its answers mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pagefault.errors import LiveError
from pagefault.lang.program import Program
from pagefault.lang.schedule import Schedule
from pagefault.live.compiler import build
from pagefault.live.danger import danger_of
from pagefault.live.emit import c_program, c_programs, refusal
from pagefault.live.outcome import Histogram, Outcome, Status, parse_outcome

__all__ = [
    "Answers",
    "Backend",
    "DiedError",
    "SkippedError",
    "Unanswered",
    "run_many",
    "run_schedules",
    "run_stress",
]

PROGRAMS_A_BINARY = 500
"""So many generated programs go into one C file: a compiler takes about 2 s for it."""

SCHEDULE_S = 2.5
"""Patience for each schedule, in seconds: one that hangs is given up after 2 s."""

ITERATION_S = 0.5
"""The same for each run with all tasks running free."""


@dataclass(frozen=True)
class Unanswered:
    """A line that got no answer: the kernel died while it was run; without `moves`, it was not run.

    `moves` are those made before, `console` is what the kernel said last.
    """

    line: str
    why: str
    moves: int | None = None
    console: str = ""


class Backend(Protocol):
    """A kernel that runs a binary of ours."""

    @property
    def name(self) -> str:
        """What the user calls it: `host`."""

    @property
    def release(self) -> str:
        """What uname -r says there."""

    @property
    def identity(self) -> str:
        """What no other kernel is called: results are kept under it."""

    @property
    def expendable(self) -> bool:
        """Whether tests may crash it, or leave marks that stay."""

    def run(
        self, binary: Path, lines: Sequence[str], patience_s: float
    ) -> Iterable[str | Unanswered]:
        """The lines that `binary -` prints when it reads `lines`, in any order.

        LiveError if it cannot run, or is not done after `patience_s`.
        """

    def stop(self) -> None:
        """End what runs, from another thread: run() raises LiveError then, and ever after."""


class SkippedError(LiveError):
    """A program that this kernel cannot run; the message says for want of what."""


class DiedError(LiveError):
    """The kernel died while all tasks of a program ran at once."""


@dataclass(frozen=True)
class Answers:
    """What a kernel said about one program: outcomes in the order of the schedules, or a skip."""

    program: Program
    kernel: str
    outcomes: tuple[Outcome, ...] = ()
    skip: str = ""


def run_schedules(
    program: Program, schedules: Iterable[Schedule], backend: Backend, frames: bool = False
) -> list[Outcome]:
    """What the kernel does in each schedule.

    SkippedError if this kernel can't run the program, LiveError if none can be asked.
    """
    (answers,) = run_many([(program, schedules)], backend, frames)
    if answers.skip:
        raise SkippedError(f"{program.name}: {answers.skip}", program.path)
    return list(answers.outcomes)


def run_many(
    work: Iterable[tuple[Program, Iterable[Schedule]]], backend: Backend, frames: bool = False
) -> Iterator[Answers]:
    """Answers about many programs, in their order; some hundred share a binary.

    With `frames`, outcomes say which pages share a frame, where the kernel tells it.
    """
    batch: list[tuple[Program, list[Schedule]]] = []
    for program, schedules in work:
        batch.append((program, list(schedules)))
        if len(batch) == PROGRAMS_A_BINARY:
            yield from _run_batch(batch, backend, frames)
            batch = []
    if batch:
        yield from _run_batch(batch, backend, frames)


def _run_batch(
    batch: Sequence[tuple[Program, list[Schedule]]], backend: Backend, frames: bool
) -> Iterator[Answers]:
    refused = {
        index: reason
        for index, (program, _) in enumerate(batch)
        if (reason := refusal(program) or _danger(program, backend))
    }
    able = [index for index in range(len(batch)) if index not in refused]
    said = _Said("", {}, {})
    if able:
        programs = [batch[index][0] for index in able]
        extra = "frames " if frames else ""
        lines = [
            f"{number} {extra}{','.join(moves)}"
            for number, index in enumerate(able)
            for moves in batch[index][1]
        ]
        said = _listen(
            backend.run(build(_text(programs)), lines, SCHEDULE_S * len(lines)), programs
        )
    for index, (program, schedules) in enumerate(batch):
        if index in refused:
            yield Answers(program, said.kernel, skip=refused[index])
        else:
            yield _answers(program, schedules, said, able.index(index))


def _danger(program: Program, backend: Backend) -> str:
    """Why it must not run on this kernel, "" if it may."""
    danger = danger_of(program)
    if danger is None or backend.expendable:
        return ""
    return f"runs in virtual machines only (or with --risk-host): {danger}"


def _text(programs: Sequence[Program]) -> str:
    return c_program(programs[0]) if len(programs) == 1 else c_programs(programs)


def _answers(program: Program, schedules: list[Schedule], said: _Said, number: int) -> Answers:
    if number in said.skips:
        return Answers(program, said.kernel, skip=said.skips[number])
    outcomes = said.outcomes[number]
    missing = [schedule for schedule in schedules if schedule not in outcomes]
    if missing:
        raise LiveError(
            f"{program.name}: the test program ended early, "
            f"after {len(schedules) - len(missing)} of {len(schedules)} schedules"
        )
    return Answers(program, said.kernel, tuple(outcomes[schedule] for schedule in schedules))


@dataclass(frozen=True)
class _Said:
    """What a binary printed: by the number of the test, outcomes and skips."""

    kernel: str
    outcomes: Mapping[int, Mapping[Schedule, Outcome]]
    skips: Mapping[int, str]


def _listen(lines: Iterable[str | Unanswered], programs: Sequence[Program]) -> _Said:
    kernel = ""
    outcomes: dict[int, dict[Schedule, Outcome]] = {n: {} for n in range(len(programs))}
    skips: dict[int, str] = {}
    for line in lines:
        if isinstance(line, Unanswered):
            asked, *_, moves = line.line.split(" ")
            outcomes[int(asked)][_schedule(moves)] = _without_an_answer(_schedule(moves), line)
            continue
        match line.split():
            case ["run", number, moves, *words]:
                outcomes[int(number)][_schedule(moves)] = parse_outcome(_schedule(moves), words)
            case ["skip", number, *words]:
                skips.setdefault(int(number), "needs " + " ".join(words))
            case ["kernel", *words]:
                kernel = " ".join(words)
    return _Said(kernel, outcomes, skips)


def _schedule(text: str) -> Schedule:
    return tuple(text.split(",")) if text.strip(",") else ()


def _without_an_answer(schedule: Schedule, line: Unanswered) -> Outcome:
    if line.moves is None:
        return Outcome(schedule, Status.UNABLE, 0, why=line.why)
    moves = min(line.moves, len(schedule))
    return Outcome(schedule, Status.CRASHED, moves, why=line.why, console=line.console)


def run_stress(program: Program, iterations: int, backend: Backend) -> Histogram:
    """Run the program `iterations` times with all tasks at once.

    Errors as above, and DiedError if the kernel dies of it.
    """
    if reason := refusal(program) or _danger(program, backend):
        raise SkippedError(f"{program.name}: {reason}", program.path)
    binary = build(c_program(program))
    lines = []
    for line in backend.run(binary, [f"0 --stress {iterations}"], ITERATION_S * iterations):
        if isinstance(line, Unanswered):
            raise DiedError(f"{program.name}: {line.why}", hint=line.console or None)
        if line.startswith("skip 0 "):
            raise SkippedError(f"{program.name}: {line.removeprefix('skip 0 ')}", program.path)
        lines.append(line)
    return _histogram(program, lines)


def _histogram(program: Program, lines: Sequence[str]) -> Histogram:
    start = next((n for n, line in enumerate(lines) if line.startswith("Test ")), None)
    end = next((n for n, line in enumerate(lines) if line.startswith("Time ")), None)
    if start is None or end is None:
        raise LiveError(f"{program.name}: the test program ended before its histogram")
    rows = []
    for line in lines[start + 2 : end]:
        times, mark, text = line[:8], line[8:10], line[10:]
        if mark in ("*>", ":>"):
            rows.append((text.strip(), mark == "*>", int(times)))
    seconds = float(lines[end].split()[-1])
    return Histogram("\n".join(lines[start : end + 1]) + "\n", tuple(rows), seconds)
