"""Does a test of the catalogue notice a mutant?

A trial is a test at a grain at which it makes a claim about mainline. A mutant is caught by the
first trial that surprises. Trials whose search of mainline never calls the mutated function cannot
notice: up to that call the mutant is mainline.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pagefault.errors import PagefaultError
from pagefault.explore.compare import Surprise, compare
from pagefault.explore.search import Budget, explore
from pagefault.lang import Entry, Expectation, Program, catalogue
from pagefault.link import Kernel, link
from pagefault.mutate.mutants import Mutant

__all__ = ["DESIGN", "Trial", "Verdict", "judge", "plan", "recall", "run"]

DESIGN = "mainline"
"""The design that is mutated: it replaces nothing."""


@dataclass(frozen=True)
class Trial:
    """A test at one grain, its claim, and what its search of mainline came to."""

    program: Program
    grain: str
    claim: Expectation
    states: int
    calls: frozenset[str]
    """Every function of the kernel that the search called."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    `test` and `grain` are those of the trial that caught it, "" if it survived `tried` trials;
    `by` says what surprised: properties that broke, a bug of the model, another verdict.
    """

    mutant: Mutant
    tried: int
    test: str = ""
    grain: str = ""
    by: tuple[str, ...] = ()

    @property
    def is_caught(self) -> bool:
        """Whether a test surprised."""
        return bool(self.test)


def plan(entries: Iterable[Entry], max_states: int) -> list[Trial]:
    """The trials of these tests, the smallest first; none that needs more than `max_states`.

    PagefaultError if mainline itself surprises: then a surprise would say nothing about a mutant.
    """
    kernel = link(DESIGN)
    trials = []
    for program, grain, claim in _claims(entries):
        trial = _trial(kernel, program, grain, claim, max_states)
        if trial is not None:
            trials.append(trial)
    return sorted(trials, key=lambda t: (t.states, t.program.name, t.grain))


def recall(caught: Mapping[str, Collection[str]], max_states: int) -> list[Trial]:
    """The trials of tests that are known to catch mutants of these functions, without a search.

    `caught` has for each test of the catalogue the functions whose mutants it caught. What such a
    test calls beside them is not known, so whom they do not catch has not survived.
    """
    return [
        Trial(program, grain, claim, max_states, frozenset(caught[program.name]))
        for program, grain, claim in _claims(e for e in catalogue() if e.name in caught)
    ]


def _claims(entries: Iterable[Entry]) -> Iterator[tuple[Program, str, Expectation]]:
    """What tests claim about mainline, each claim at each of its grains."""
    for entry in entries:
        for claim in entry.program.header.expect:
            if claim.design == DESIGN:
                for grain in claim.grains:
                    yield entry.program, grain, claim


def _trial(
    kernel: Kernel, program: Program, grain: str, claim: Expectation, max_states: int
) -> Trial | None:
    budget = Budget(states=max_states, seconds=None)
    with _calls_noted(kernel) as calls:
        result = explore(kernel, program, grain, budget, engine="interpreted")
        surprises = compare(result, claim)
    if surprises:
        what = surprises[0].sentence
        raise PagefaultError(
            f"error: {program.name} surprises under {DESIGN} itself, grain {grain}: {what}\n"
            f"hint: `pagefault check {program.name}` tells more"
        )
    if not result.complete:
        return None
    return Trial(program, grain, claim, result.states, frozenset(calls))


@contextmanager
def _calls_noted(kernel: Kernel) -> Iterator[set[str]]:
    """Collect the kernel's functions that are called meanwhile."""
    files = {sys.modules[f.__module__].__file__ for f in _emitted(kernel)}
    calls: set[str] = set()

    def note(frame: FrameType, event: str, value: object) -> None:
        if event == "call" and frame.f_code.co_filename in files:
            calls.add(frame.f_code.co_name)

    old = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(old)


def _emitted(kernel: Kernel) -> Iterator[object]:
    paths = {path.name: path.step for path in kernel.paths if path is not None}
    for name in kernel.symbols.functions:
        yield paths[name] if name in paths else kernel.function(name)


def judge(mutant: Mutant, trials: Sequence[Trial], max_states: int, folder: Path) -> Verdict:
    """Link a mutant, by a design file in `folder`, and try it until a trial surprises."""
    file = folder / "mutant.py"
    file.write_text(mutant.design, encoding="utf-8")
    kernel = link(file)
    tried = 0
    for trial in trials:
        if mutant.function in trial.calls:
            tried += 1
            budget = Budget(states=max_states, seconds=None)
            result = explore(kernel, trial.program, trial.grain, budget, engine="interpreted")
            if surprises := compare(result, trial.claim):
                by = tuple(_what(surprise) for surprise in surprises)
                return Verdict(mutant, tried, trial.program.name, trial.grain, by)
    return Verdict(mutant, tried)


def _what(surprise: Surprise) -> str:
    if surprise.kind == "breaks" and surprise.trace is not None:
        return surprise.trace.shows
    return surprise.sentence


# --- two processes --------------------------------------------------------------------------------

_shared: tuple[Sequence[Trial], int, Path]


def run(
    mutants: Sequence[Mutant], trials: Sequence[Trial], max_states: int, workers: int
) -> Iterator[Verdict]:
    """The verdicts in the order of the mutants. What is emitted for them is thrown away again."""
    with tempfile.TemporaryDirectory(prefix="pagefault-mutants-") as folder:
        pool = ProcessPoolExecutor(
            max(1, min(workers, len(mutants))),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(trials, max_states, folder),
        )
        try:
            # Not map(): what that cancels on an interrupt, a broken pool chokes on (CPython 3.11).
            for future in [pool.submit(_judge, mutant) for mutant in mutants]:
                yield future.result()
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True)


def _begin(trials: Sequence[Trial], max_states: int, folder: str) -> None:
    global _shared
    os.environ["PAGEFAULT_CACHE"] = folder
    own = Path(folder) / str(os.getpid())
    own.mkdir()
    _shared = trials, max_states, own


def _judge(mutant: Mutant) -> Verdict:
    trials, max_states, folder = _shared
    return judge(mutant, trials, max_states, folder)
