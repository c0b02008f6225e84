"""What one step costs, in nanoseconds, and where each number comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pagefault.errors import PagefaultError

__all__ = ["DEFAULTS", "Price", "Prices", "read_prices"]


@dataclass(frozen=True)
class Price:
    """Nanoseconds; `origin` is measured, counted, published or assumed; `how` says more."""

    name: str
    nanoseconds: float
    origin: str
    how: str


DEFAULTS = (
    Price("fault", 1900, "assumed", "a shmem fault of a VM with 2 CPUs, without the zeroing"),
    Price("free", 140, "assumed", "an anonymous page's, on the same VM"),
    Price("zero", 100, "assumed", "4 KiB at 40 GB/s"),
    Price("change", 500, "assumed", "one attribute change: cpa_lock, walk, two alias checks"),
    Price("split", 1000, "counted", "a page is allocated and 512 entries are written"),
    Price("ipi", 3000, "assumed", "one flush by IPI of one other CPU, until it has answered"),
    Price("ipi-each", 700, "published", "each CPU more: LATR, ASPLOS'18: 6 us at 16, 80 at 120"),
    Price("handler", 1000, "assumed", "what an IPI takes from the CPU that it interrupts"),
    Price("invlpg", 100, "assumed", "one page"),
    Price("refill", 5000, "assumed", "walks after a full flush, for a CPU that uses many pages"),
)
"""What is taken where nothing is measured."""


@dataclass(frozen=True)
class Prices:
    """One of each name."""

    of: Mapping[str, Price]

    def __getitem__(self, name: str) -> float:
        return self.of[name].nanoseconds

    def document(self) -> list[dict[str, Any]]:
        """As JSON has it."""
        return [vars(price) for price in self.of.values()]

    def round(self, cpus: int) -> float:
        """An IPI to all other CPUs, and their answers: no less than the interrupt takes there."""
        if cpus < 2:
            return 0.0
        return max(self["ipi"] + self["ipi-each"] * (cpus - 2), self["handler"])

    def spent(self, counts: Mapping[str, int], cpus: int) -> float:
        """Time of those who fault and free."""
        full = counts["full_flushes"] + self._under_lock(counts)
        return (
            counts["faults"] * self["fault"]
            + counts["freed"] * self["free"]
            + counts["zeroed"] * self["zero"]
            + counts["changes"] * self["change"]
            + self._splits(counts) * self["split"]
            + (counts["range_flushes"] + full) * self.round(cpus)
            + counts["invlpgs"] * self["invlpg"]
            + full * self["refill"]
        )

    def locked(self, counts: Mapping[str, int], cpus: int) -> float:
        """How long cpa_lock was held; pgd_lock, while splits and collapses flush."""
        flush = self.round(cpus) + self["refill"]
        return (
            counts["changes"] * self["change"]
            + self._splits(counts) * self["split"]
            + self._under_lock(counts) * flush
        )

    def stolen(self, counts: Mapping[str, int]) -> float:
        """Time that each other CPU lost to interrupts, and to walks after them."""
        full = counts["full_flushes"] + self._under_lock(counts)
        return (
            (counts["range_flushes"] + full) * self["handler"]
            + counts["invlpgs"] * self["invlpg"]
            + full * self["refill"]
        )

    def _splits(self, counts: Mapping[str, int]) -> int:
        return counts["splits_1g"] + counts["splits_2m"]

    def _under_lock(self, counts: Mapping[str, int]) -> int:
        return self._splits(counts) + counts["collapse_flushes"]


def with_defaults(found: Mapping[str, Price]) -> Prices:
    """Prices that were found, and assumptions for the others."""
    return Prices({price.name: found.get(price.name, price) for price in DEFAULTS})


def read_prices(file: Path | None) -> Prices:
    """Prices from what `pagefault cost calibrate --json` printed."""
    if file is None:
        return with_defaults({})
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))["prices"]
        return with_defaults({row["name"]: Price(**row) for row in rows})
    except (OSError, UnicodeDecodeError) as error:
        raise PagefaultError(f"error: {file}: {getattr(error, 'strerror', error)}") from None
    except (ValueError, KeyError, TypeError):
        raise PagefaultError(
            f"error: {file} holds no prices\nhint: pagefault cost calibrate --json > {file.name}"
        ) from None
