"""What campaigns have searched and found: what is known is not asked again."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pagefault.campaign.findings import Finding, from_json
from pagefault.campaign.search import Dice, Searched
from pagefault.link import Kernel
from pagefault.sources import digest
from pagefault.store import Store, design_hash

__all__ = ["Database", "asked_hash", "kernel_hash"]

SEARCHED = ("campaign.findings",)
"""What an answer goes through."""


class Database(Store):
    """Searches by design and seed; findings by design, promise and signature."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS searched (
        design TEXT NOT NULL,  -- hash of what was linked and of what walks it
        asked TEXT NOT NULL,   -- hash of the dice, the grain and the budget
        seed INTEGER NOT NULL,
        name TEXT NOT NULL,    -- of the design
        states INTEGER NOT NULL,
        complete INTEGER NOT NULL,
        seconds REAL NOT NULL,
        breaks TEXT NOT NULL,  -- JSON: promises, and the signatures of their traces
        PRIMARY KEY (design, asked, seed)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS findings (
        design TEXT NOT NULL,
        asked TEXT NOT NULL,
        promise TEXT NOT NULL,
        signature TEXT NOT NULL,  -- of the trace before the program was shrunk
        finding TEXT NOT NULL,    -- JSON
        PRIMARY KEY (design, asked, promise, signature)
    ) WITHOUT ROWID
    """

    def searched(self, design: str, asked: str) -> dict[int, Searched]:
        """What is known of a design, by seed."""
        rows = self._db.execute(
            "SELECT seed, name, states, complete, seconds, breaks FROM searched"
            " WHERE design = ? AND asked = ?",
            (design, asked),
        )
        return {
            seed: Searched(seed, name, states, bool(complete), seconds, json.loads(breaks))
            for seed, name, states, complete, seconds, breaks in rows
        }

    def keep(self, design: str, asked: str, some: Iterable[Searched]) -> None:
        """Keep searches."""
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO searched VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(design, asked, one.seed, one.design, one.states),
                        *(one.complete, one.seconds, json.dumps(one.breaks)),
                    )
                    for one in some
                ],
            )

    def find(self, design: str, asked: str, promise: str, signature: str) -> Finding | None:
        """The finding of this sort, if it was shrunk already."""
        row = self._db.execute(
            "SELECT finding FROM findings"
            " WHERE design = ? AND asked = ? AND promise = ? AND signature = ?",
            (design, asked, promise, signature),
        ).fetchone()
        return None if row is None else from_json(row[0])

    def keep_finding(
        self, design: str, asked: str, promise: str, signature: str, finding: str
    ) -> None:
        """Keep a finding, by the signature that its program had before it was shrunk."""
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?)",
                (design, asked, promise, signature, finding),
            )


def kernel_hash(kernel: Kernel) -> str:
    """Of a linked kernel and of all that a campaign does with it."""
    return design_hash(kernel, SEARCHED)


def asked_hash(dice: Dice, grain: str, states: int) -> str:
    """Of what programs there are, and how they are searched."""
    return digest([repr(dice), grain, str(states)])
