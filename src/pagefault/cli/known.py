"""Verdicts that were found before, and hold as long as nothing they came from has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import click

from pagefault.cli.running import Job, Outcome
from pagefault.errors import StoreError
from pagefault.explore.compare import compare
from pagefault.explore.paths import Result, Trace
from pagefault.link import identity
from pagefault.sources import digest, sources_hash
from pagefault.store import Store, default_path, program_hash
from pagefault.verdict import Verdict

__all__ = ["Known", "known_before"]

SEARCHED = ("explore.search", "link")
"""What a verdict goes through, besides the program and the kernel."""
KEPT = ("positive", "negative", "states", "transitions", "depth", "seconds", "stuck")


@contextmanager
def known_before(again: bool) -> Iterator[Known | None]:
    """What is known and may be kept; None to search all anew, or where nothing can be kept."""
    try:
        known = None if again else Known(default_path())
    except StoreError as error:
        click.echo(f"verdicts are not kept: {error}", err=True)
        known = None
    if known is None:
        yield None
        return
    with known:
        yield known


class Known(Store):
    """Complete searches without a surprise, by all that went into them."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS verdicts (
        asked TEXT NOT NULL PRIMARY KEY,  -- hash of program, kernel, grain, budget and search
        result TEXT NOT NULL              -- JSON
    ) WITHOUT ROWID
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._identity = cache(identity)  # one command reads each design once

    def find(self, job: Job) -> Outcome | None:
        """What came of this job before. None if nothing is known, or a trace must be shown."""
        told = self._db.execute(
            "SELECT result FROM verdicts WHERE asked = ?", (self._asked(job),)
        ).fetchone()
        if told is None:
            return None
        result = _result(job, json.loads(told[0]))
        if compare(result, job.claim, job.properties):
            return None
        return Outcome(job, result, (), known=True)

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Keep those that are complete and surprise nobody."""
        rows = [(self._asked(o.job), _document(o.result)) for o in outcomes if _is_settled(o)]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", rows)

    def _asked(self, job: Job) -> str:
        how = (job.grain, job.properties, job.budget, job.reduce, job.shown)
        kernel = self._identity(job.design)
        return digest([program_hash(job.program), kernel, repr(how), sources_hash(SEARCHED)])


def _is_settled(outcome: Outcome) -> bool:
    return outcome.result.complete and not outcome.surprises and not outcome.result.bugs


def _document(result: Result) -> str:
    kept = {name: getattr(result, name) for name in KEPT}
    return json.dumps({**kept, "verdict": result.verdict, "breaches": list(result.breaches)})


def _result(job: Job, kept: dict[str, Any]) -> Result:
    return Result(
        test=job.program.name,
        design=job.shown,
        grain=job.grain,
        verdict=Verdict(kept.pop("verdict")),
        breaches={name: Trace(name, "", "", (), ()) for name in kept.pop("breaches")},
        finals={},
        unknown_reason=None,
        stuck=tuple(kept.pop("stuck")),
        program=job.program,
        **kept,
    )
