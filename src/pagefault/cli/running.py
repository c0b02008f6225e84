"""Runs of the explorer: one test, one design, one grain each; several at a time, in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pagefault.errors import PagefaultError

if TYPE_CHECKING:
    from pagefault.cli.known import Known
    from pagefault.explore.compare import Surprise
    from pagefault.explore.paths import Result
    from pagefault.explore.search import Budget
    from pagefault.lang import Expectation, Program

__all__ = ["Job", "Outcome", "default_workers", "run_all", "run_one", "search_all", "shown_name"]

BATCH = 100
"""Verdicts between two writes of what is known: each write waits for the disk."""


@dataclass(frozen=True)
class Job:
    """One search. `claim` is what the test says about it, None if nothing.

    `shown` names the design in what is printed, "" for its own name.
    """

    program: Program
    design: str | Path
    grain: str
    claim: Expectation | None
    properties: tuple[str, ...] | None
    budget: Budget
    shown: str = ""
    cores: int = 1
    reduce: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a job came to, and how that differs from the claim.

    From run_all() the result comes without traces; those that surprise stand in `surprises`.
    """

    job: Job
    result: Result
    surprises: tuple[Surprise, ...]
    known: bool = False
    """Whether an earlier search came to it."""


Note = Callable[[str], None]
"""Takes a few words on what goes on."""


def run_one(job: Job, note: Note | None = None) -> Outcome:
    """Link, search, compare. PagefaultError if test, design and claim do not fit together."""
    from pagefault.explore.compare import compare
    from pagefault.explore.promises import check_names
    from pagefault.explore.search import explore
    from pagefault.link import link

    kernel = link(job.design)
    if job.claim is not None:
        check_names(kernel, job.claim.breaks, job.claim.breaks_at)
    if job.properties is not None:
        check_names(kernel, job.properties)
    result = explore(
        kernel,
        job.program,
        job.grain,
        job.budget,
        properties=job.properties,
        cores=job.cores,
        reduce=job.reduce,
        progress=note,
    )
    if job.shown:
        result = replace(result, design=job.shown)
    return Outcome(job, result, tuple(compare(result, job.claim, job.properties)))


def run_all(
    jobs: Sequence[Job], workers: int, known: Known | None, note: Note | None = None
) -> Iterator[Outcome]:
    """The outcomes in the order of the jobs; what is `known` is not searched again.

    `note` hears of searches that run in this process. PagefaultError as search_all().
    """
    found = {i: outcome for i, job in enumerate(jobs) if known and (outcome := known.find(job))}
    left = [job for i, job in enumerate(jobs) if i not in found]
    unwritten: list[Outcome] = []

    def write(least: int) -> None:
        if known and len(unwritten) >= least:
            known.keep(unwritten)
            unwritten.clear()

    try:
        with closing(search_all(left, workers, note)) as searched:
            for i in range(len(jobs)):
                outcome = found.get(i) or next(searched)
                if not outcome.known:
                    unwritten.append(outcome)
                write(BATCH)
                yield outcome
    finally:
        write(1)


def search_all(
    jobs: Sequence[Job], workers: int, note: Note | None = None
) -> Generator[Outcome, None, None]:
    """The outcomes in the order of the jobs. PagefaultError as run_one(), and if a worker dies."""
    workers = min(workers, len(jobs))
    if workers <= 1:
        for job in jobs:
            yield _light(run_one(job, note))
        return
    pool = ProcessPoolExecutor(
        workers,
        # A forked child would inherit the progress display's thread half-way.
        mp_context=multiprocessing.get_context("spawn"),
    )
    try:
        with _interrupts_ignored():  # by the children, who inherit that
            # Not map(): what that cancels on an interrupt, a broken pool chokes on (CPython 3.11).
            outcomes = [pool.submit(_run_in_worker, job) for job in jobs]
        for future in outcomes:
            outcome = future.result()
            if isinstance(outcome, str):
                raise _WorkerError(outcome)
            yield outcome
    except BrokenProcessPool:
        raise _WorkerError(
            "error: a worker process died, perhaps for want of memory\n"
            "hint: lower --max-memory, or run with --jobs 1"
        ) from None
    except BaseException:
        # Nobody wants the searches that still run.
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        # Waits: a pool that is still closing when Python exits fails with a traceback.
        pool.shutdown(wait=True)


def default_workers() -> int:
    """Two, or one where there is one CPU."""
    return min(2, os.cpu_count() or 1)


def shown_name(design: str | Path) -> str:
    """What a design is called: its name, or its path if a shipped design has that name already.

    DesignError if there is no such design.
    """
    from pagefault.link import BASELINE, link
    from pagefault.link.overlay import design_files

    name = link(design).name
    shipped = design_files(BASELINE).get(name)
    if shipped is None or link(shipped[0]) is link(design):
        return name
    return str(design)


class _WorkerError(PagefaultError):
    """An error that a worker reported; its text is complete."""


def _run_in_worker(job: Job) -> Outcome | str:
    # An error crosses as text: exceptions with fields of their own do not survive pickling.
    try:
        return _light(run_one(job))
    except PagefaultError as error:
        return str(error)


def _light(outcome: Outcome) -> Outcome:
    return replace(outcome, result=outcome.result.without_traces())


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)
