"""A campaign: seeds under designs, batch by batch; what is known already is not asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from pagefault.campaign.backend import Workers, workers
from pagefault.campaign.database import Database, asked_hash, kernel_hash
from pagefault.campaign.findings import Finding, find, from_json
from pagefault.campaign.search import Dice, Searched, search_all
from pagefault.link import link

__all__ = ["Campaign", "Outcome", "run"]

CHUNK = 8
"""Programs that a worker gets at a time."""
AHEAD = 4
"""Chunks for each worker in a batch: what is lost at most where somebody interrupts."""


@dataclass(frozen=True)
class Campaign:
    """What is asked for. `seconds` ends it early, None: not; so does, `until_found`, a batch in
    which a promise broke."""

    designs: tuple[str, ...]
    grain: str
    seeds: range
    states: int
    dice: Dice
    seconds: float | None = None
    until_found: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a campaign: sums by design, and the findings, each kind once."""

    searched: dict[str, Sums]
    findings: tuple[Finding, ...]


@dataclass
class Sums:
    """Of the programs of one design."""

    programs: int = 0
    states: int = 0
    seconds: float = 0.0
    unknown: int = 0
    broken: int = 0

    def add(self, one: Searched) -> None:
        """Count one more."""
        self.programs += 1
        self.states += one.states
        self.seconds += one.seconds
        self.unknown += not one.complete
        self.broken += bool(one.breaks)


Note = Callable[[int, str], None]
"""Hears how many searches are done now, and a few words."""


def run(
    campaign: Campaign,
    database: Path | None,
    backend: str,
    jobs: int | None,
    default_jobs: int,
    note: Note = lambda done, words: None,
) -> Outcome:
    """Search, then shrink what was found."""
    opened: AbstractContextManager[Database | None]
    opened = nullcontext() if database is None else Database(database)
    with opened as known, workers(backend, jobs, default_jobs) as pool:
        return _Run(campaign, known, pool, note).run()


class _Run:
    def __init__(
        self, campaign: Campaign, database: Database | None, pool: Workers, note: Note
    ) -> None:
        self.campaign = campaign
        self.database = database
        self.pool = pool
        self.note = note
        self.asked = asked_hash(campaign.dice, campaign.grain, campaign.states)
        self.hashes = {design: kernel_hash(link(design)) for design in campaign.designs}
        self.sums = {design: Sums() for design in campaign.designs}
        self.first: dict[tuple[str, str, str], int] = {}
        """By design, promise and signature: the seed that showed it first."""
        self.findings: dict[tuple[object, ...], Finding] = {}
        self.shrunk: set[tuple[str, str, str]] = set()
        self.started = time.perf_counter()

    def run(self) -> Outcome:
        left = self._not_known()
        while left and not self._is_over():
            size = CHUNK * AHEAD * self.pool.number
            batch, left = left[:size], left[size:]
            self._search(batch)
            self._shrink()
        self._shrink()
        found = sorted(
            self.findings.values(), key=lambda f: (self.campaign.designs.index(f.design), f.seed)
        )
        return Outcome(self.sums, tuple(found))

    def _is_over(self) -> bool:
        if self.campaign.until_found and self.first:
            return True
        limit = self.campaign.seconds
        return limit is not None and time.perf_counter() - self.started > limit

    def _not_known(self) -> list[tuple[int, str]]:
        """What is left to search, seed by seed, so that no design waits for another."""
        known = {
            design: self.database.searched(self.hashes[design], self.asked) if self.database else {}
            for design in self.campaign.designs
        }
        left = []
        for seed in self.campaign.seeds:
            for design in self.campaign.designs:
                if seed in known[design]:
                    self._count(known[design][seed])
                else:
                    left.append((seed, design))
        return left

    def _count(self, one: Searched) -> None:
        self.sums[one.design].add(one)
        for promise, signature in one.breaks.items():
            self.first.setdefault((one.design, promise, signature), one.seed)
        done = sum(sums.programs for sums in self.sums.values())
        self.note(done, f"{len(self.first)} kinds of breaches, {len(self.findings)} shrunk")

    def _search(self, batch: Sequence[tuple[int, str]]) -> None:
        campaign = self.campaign
        chunks = [batch[start : start + CHUNK] for start in range(0, len(batch), CHUNK)]
        calls = [(campaign.dice, chunk, campaign.grain, campaign.states) for chunk in chunks]
        for chunk in self.pool.run(search_all, calls):
            for design in campaign.designs:
                some = [one for one in chunk if one.design == design]
                if self.database and some:
                    self.database.keep(self.hashes[design], self.asked, some)
                for one in some:
                    self._count(one)

    def _shrink(self) -> None:
        """What was found since the last time; what shrinks to the same is one finding."""
        new = list(self._not_shrunk())
        campaign = self.campaign
        calls = [
            (campaign.dice, seed, design, campaign.grain, promise, campaign.states)
            for (design, promise, _), seed in new
        ]
        for (kind, _), text in zip(new, self.pool.run(find, calls) if calls else (), strict=True):
            design, promise, signature = kind
            if self.database:
                self.database.keep_finding(
                    self.hashes[design], self.asked, promise, signature, text
                )
            self._enter(kind, from_json(text))

    def _not_shrunk(self) -> Iterator[tuple[tuple[str, str, str], int]]:
        for kind, seed in self.first.items():
            if kind in self.shrunk:
                continue
            design, promise, signature = kind
            known = (
                self.database.find(self.hashes[design], self.asked, promise, signature)
                if self.database
                else None
            )
            if known is None:
                yield kind, seed
            else:
                self._enter(kind, known)

    def _enter(self, kind: tuple[str, str, str], finding: Finding) -> None:
        self.shrunk.add(kind)
        known = self.findings.get(finding.key)
        if known is None or (finding.statements, finding.seed) < (known.statements, known.seed):
            self.findings[finding.key] = finding
