"""Model against kernel: every schedule of many programs, and where the two part first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from pagefault.conform.compare import Difference, differences
from pagefault.conform.database import Database, design_hash, program_hash
from pagefault.conform.known import release_number
from pagefault.conform.model import Model
from pagefault.conform.rows import Finding, Row
from pagefault.errors import LitmusError
from pagefault.lang.program import Program
from pagefault.lang.schedule import Schedule, sample_schedules, statement_at
from pagefault.live import Answers, Outcome, Status, run_many

if TYPE_CHECKING:
    from pagefault.link import Kernel
    from pagefault.live import Backend

__all__ = ["DESIGN_OF", "Side", "conform", "design_for"]

BATCH = 250
"""So many programs go to a kernel at once."""

MOST_PREFIXES = 4000
"""Of one program, so many beginnings of schedules go at once, to find where the two part."""

DESIGN_OF = (
    ((5, 8), "linux-5.7"),
    ((5, 9), "linux-5.8"),
    ((5, 10), "linux-5.9"),
    ((5, 18), "linux-5.10"),
    ((5, 19), "linux-5.18"),
    ((6, 0), "linux-5.19"),
    ((6, 2), "linux-6.1"),
    ((6, 5), "linux-6.4"),
    ((6, 11), "linux-6.5"),
    ((6, 12), "linux-6.11"),
    ((6, 15), "mainline"),
    ((6, 16), "linux-6.15"),
    ((6, 17), "linux-6.16"),
    ((6, 18), "linux-6.17"),
    ((7, 2), "linux-6.18"),
)
"""Before such a release, the design that a kernel is held against; later ones: the newest."""
NEWEST = "linux-7.2"


@dataclass(frozen=True)
class Side:
    """A kernel and the design that it is held against: `classic`, if there is one, where the kernel
    says that its LRU lists are not multi-generational."""

    backend: Backend
    kernel: Kernel
    classic: Kernel | None = None

    def design(self, said: str) -> Kernel:
        """The design for a kernel that said this of itself."""
        lru_gen = said.partition("lru_gen=")[2].split()
        is_classic = not lru_gen or not int(lru_gen[0], 16) & 1
        return self.classic if self.classic and is_classic else self.kernel

    @property
    def hash(self) -> str:
        """Of all that the kernel may be held against."""
        return " ".join(design_hash(k) for k in (self.kernel, self.classic) if k)


@dataclass(frozen=True)
class _Compared:
    """What a kernel answered about a program, held against the model: which schedules differ.

    `parts` has what differs after beginnings of them, as far as they were run; `consoles` what a
    kernel said that died of one.
    """

    program: Program
    model: Model
    row: Row
    differing: dict[Schedule, tuple[Difference, ...]]
    parts: dict[Schedule, tuple[Difference, ...]] = field(default_factory=dict)
    consoles: dict[Schedule, str] = field(default_factory=dict)


def design_for(release: str) -> str:
    """The design that says what a kernel of this release does."""
    number = release_number(release)
    return next((design for before, design in DESIGN_OF if number < before), NEWEST)


def conform(
    programs: Iterable[Program],
    side: Side,
    most: int,
    database: Database | None = None,
    again: bool = False,
    advance: Callable[[Row], None] = lambda _: None,
) -> Iterator[Row]:
    """A row for each program, in their order; of a program at most `most` schedules are asked.

    What the database knows is not asked again, unless `again`. `advance` hears of each row. While
    a batch is compared, the next is with the kernel already.
    """
    design = side.hash
    rest = iter(programs)
    with ThreadPoolExecutor(1) as pool, _stopped_by_errors(side.backend):
        waiting: list[tuple[list[_Asked], Future[list[Answers]]]] = []
        while True:
            batch = [
                _Asked(p, program_hash(p), _known(p, side, design, most, database, again))
                for p in islice(rest, BATCH)
            ]
            if batch:
                new = [asked.program for asked in batch if asked.row is None]
                waiting.append((batch, pool.submit(_ask, new, side.backend, most)))
            if not waiting:
                return
            if batch and len(waiting) < 2:
                continue
            asked, answers = waiting.pop(0)
            yield from _rows(asked, answers.result(), side, design, most, database, advance)


@contextmanager
def _stopped_by_errors(backend: Backend) -> Iterator[None]:
    """An error, or Ctrl-C, also ends what another thread waits for."""
    try:
        yield
    except BaseException:
        backend.stop()
        raise


@dataclass(frozen=True)
class _Asked:
    """A program, its hash, and what was known of it."""

    program: Program
    hash: str
    row: Row | None


def _known(
    program: Program,
    side: Side,
    design: str,
    most: int,
    database: Database | None,
    again: bool,
) -> Row | None:
    if database is None or again:
        return None
    return database.find(program_hash(program), side.backend, design, most)


def _ask(programs: Sequence[Program], backend: Backend, most: int) -> list[Answers]:
    work = ((program, sample_schedules(program, most)) for program in programs)
    return [_once_more(answers, backend) for answers in run_many(work, backend, frames=True)]


def _once_more(answers: Answers, backend: Backend) -> Answers:
    """What did not come back in time is asked again: a busy machine may just have been slow."""
    hung = [o.schedule for o in answers.outcomes if o.status is Status.HUNG]
    if not hung:
        return answers
    (again,) = run_many([(answers.program, hung)], backend, frames=True)
    told = {outcome.schedule: outcome for outcome in again.outcomes}
    return replace(answers, outcomes=tuple(told.get(o.schedule, o) for o in answers.outcomes))


def _rows(
    batch: Sequence[_Asked],
    answers: Sequence[Answers],
    side: Side,
    design: str,
    most: int,
    database: Database | None,
    advance: Callable[[Row], None],
) -> list[Row]:
    """The rows of a batch, new ones kept."""
    compared = [_compare(a, side) for a in answers]
    made = iter(_locate(compared, side))
    rows, new = [], []
    for asked in batch:
        row = asked.row
        if row is None:
            row = next(made)
            new.append((asked.hash, row))
        rows.append(row)
        advance(row)
    if database is not None:
        database.keep(new, side.backend, design, most)
    return rows


def _compare(answers: Answers, side: Side) -> Row | _Compared:
    program = answers.program
    kernel = side.design(answers.kernel)
    nothing = Row(program.name, side.backend.name, kernel.name)
    if answers.skip:
        return replace(nothing, skip=answers.skip)
    try:
        model = Model(kernel, program)
    except LitmusError as error:
        return replace(nothing, skip=f"the model: {error.message}")
    unable = 0
    why = ""
    differing: dict[Schedule, tuple[Difference, ...]] = {}
    able = 0
    expected = model.answers(outcome.schedule for outcome in answers.outcomes)
    for outcome, allowed in zip(answers.outcomes, expected, strict=True):
        if outcome.status is Status.UNABLE:
            unable += 1
            why = why or outcome.why
            continue
        able += 1
        if found := differences(allowed, outcome):
            differing[outcome.schedule] = found
    if unable and not able:
        return replace(nothing, skip=why)
    agreed = able - len(differing)
    row = replace(nothing, schedules=able, agreed=agreed, unable=unable, why=why)
    if not differing:
        return row
    compared = _Compared(program, model, row, differing)
    for outcome in answers.outcomes:
        if outcome.status is Status.CRASHED:
            _keep_crash(compared, outcome)
    return compared


def _keep_crash(compared: _Compared, outcome: Outcome) -> None:
    """Where the kernel died is known: nobody runs the beginnings of that schedule again."""
    schedule = outcome.schedule
    for n in range(1, len(schedule)):
        compared.parts.setdefault(schedule[:n], ())
    compared.parts[schedule[: outcome.moves + 1]] = compared.differing[schedule]
    compared.consoles[schedule] = outcome.console


# --- where they part ------------------------------------------------------------------------------


def _locate(rows: Sequence[Row | _Compared], side: Side) -> list[Row]:
    """The rows, with findings: the beginnings of differing schedules go to the kernel, too."""
    parted = [row for row in rows if isinstance(row, _Compared)]
    while work := [(c, beginnings) for c in parted if (beginnings := _beginnings(c))]:
        asked = ((c.program, beginnings) for c, beginnings in work)
        answers = run_many(asked, side.backend, frames=True)
        for (compared, _), told in zip(work, answers, strict=True):
            _take(compared, told)
    return [
        replace(row.row, findings=_findings(row)) if isinstance(row, _Compared) else row
        for row in rows
    ]


def _beginnings(compared: _Compared) -> list[Schedule]:
    """Beginnings, in the order of a walk through them, of schedules that nobody has walked yet."""
    parts = compared.parts
    found: dict[Schedule, None] = {}
    for schedule in compared.differing:
        if len(found) > MOST_PREFIXES:
            break
        beginnings = [schedule[:n] for n in range(1, len(schedule))]
        if not any(parts.get(moves) for moves in beginnings):
            found.update(dict.fromkeys(moves for moves in beginnings if moves not in parts))
    return sorted(found)


def _take(compared: _Compared, answers: Answers) -> None:
    """Keep what differs after each beginning."""
    expected = compared.model.answers(outcome.schedule for outcome in answers.outcomes)
    for outcome, allowed in zip(answers.outcomes, expected, strict=True):
        unable = outcome.status is Status.UNABLE
        compared.parts[outcome.schedule] = () if unable else differences(allowed, outcome)


def _findings(compared: _Compared) -> tuple[Finding, ...]:
    parts = compared.parts
    grouped: dict[tuple[Schedule, tuple[Difference, ...]], list[Schedule]] = {}
    for schedule, end in compared.differing.items():
        lengths = range(1, len(schedule))
        first = next((n for n in lengths if parts.get(schedule[:n])), len(schedule))
        grouped.setdefault((schedule[:first], end), []).append(schedule)
    return tuple(
        Finding(
            schedule=schedules[0],
            moves=moves,
            statement=statement_at(compared.program, moves),
            later=tuple(
                statement_at(compared.program, schedules[0][:n])
                for n in range(len(moves) + 1, len(schedules[0]) + 1)
            ),
            schedules=len(schedules),
            differences=parts.get(moves) or end,
            end=end,
            console=compared.consoles.get(schedules[0], ""),
        )
        for (moves, end), schedules in grouped.items()
    )
