"""What `pagefault table` does: search every cell, and gather the answers in one document."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pagefault.cli import checking
from pagefault.cli.known import known_before
from pagefault.cli.options import all_columns, columns_for
from pagefault.cli.running import Outcome, default_workers, run_all
from pagefault.explore.promises import promises
from pagefault.explore.search import Budget
from pagefault.lang import Entry
from pagefault.link import link
from pagefault.report.story import SCHEMA, result_document

__all__ = ["Request", "run"]

Document = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    selectors: Sequence[str]
    designs: Sequence[str]
    grain: str
    core: bool
    workers: int | None
    budget: Budget
    cores: int = 1
    reduce: bool = False
    again: bool = True


def run(request: Request) -> tuple[Document, int]:
    """Make the searches; the table as a document, and the exit code."""
    tests = checking.entries(request.selectors, request.core)
    columns = request.designs or columns_for(tests)
    jobs = checking.plan(tests, columns, request.grain, (), request.budget)
    jobs = [replace(job, cores=request.cores, reduce=request.reduce) for job in jobs]
    outcomes = []
    with checking.progress_bar(len(jobs)) as (advance, note), known_before(request.again) as known:
        for outcome in run_all(jobs, request.workers or default_workers(), known, note):
            outcomes.append(outcome)
            advance()
    # A worker gives back a copy of its job.
    outcomes = [replace(outcome, job=job) for outcome, job in zip(outcomes, jobs, strict=True)]
    left_out = 0 if request.designs else len(all_columns()) - len(columns)
    return _document(tests, outcomes, left_out), checking.exit_code(outcomes)


def _document(tests: Sequence[Entry], outcomes: Sequence[Outcome], left_out: int) -> Document:
    designs = {outcome.job.shown: outcome.job.design for outcome in outcomes}
    return {
        "schema": SCHEMA,
        "kind": "table",
        "designs": [_design(name, design, outcomes) for name, design in designs.items()],
        "left_out": left_out,
        "tests": [_test(entry, outcomes) for entry in tests],
    }


def _design(name: str, design: str | Path, outcomes: Iterable[Outcome]) -> Document:
    """What a design kept and broke in these tests, and what it replaces."""
    kernel = link(design)
    broken: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.job.shown == name:
            for promise in outcome.result.breaches:
                tests = broken.setdefault(promise, [])
                if outcome.result.test not in tests:
                    tests.append(outcome.result.test)
    promised = [promise.name for promise in promises(kernel)]
    return {
        "name": name,
        "idea": kernel.idea,
        "parts": list(kernel.parts),
        "overrides": {f: function.home for f, function in sorted(kernel.overrides.items())},
        "kept": [promise for promise in promised if promise not in broken],
        "broken": broken,
        "not_promised": sorted(kernel.not_promised),
    }


def _test(entry: Entry, outcomes: Iterable[Outcome]) -> Document:
    cells: dict[str, list[Document]] = {}
    for outcome in outcomes:
        if outcome.job.program is entry.program:
            cells.setdefault(outcome.job.shown, []).append(_answer(entry, outcome))
    return {
        "name": entry.name,
        "family": entry.family,
        "title": entry.program.title,
        "source": entry.program.source,
        "cells": cells,
    }


def _answer(entry: Entry, outcome: Outcome) -> Document:
    """One grain of a cell: the result, who claims it, and the command that shows it."""
    job = outcome.job
    words = ["pagefault", "explain", entry.selector, "--design", str(job.design)]
    return {
        **result_document(outcome.result),
        "claim": checking.claim_document(job.claim),
        "surprises": [surprise.sentence for surprise in outcome.surprises],
        "command": shlex.join([*words, "--grain", job.grain]),
    }
