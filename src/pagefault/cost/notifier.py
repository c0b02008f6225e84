"""What mmu notifiers and pins cost: fits of the samples, and counts from the kernel's source.

Each figure says what it is: `measured` here, `fitted` to what was measured, or `counted` in the
source and priced by what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pagefault.cost.measure import Samples

__all__ = ["Figure", "Line", "Report", "Tax", "report"]

CHAIN = "register-chain"

LINES = {
    "register-empty": "VMAs that were never touched",
    "register-file": "VMAs of one file",
    "register-anon": "anonymous VMAs, each with its anon_vma",
}

ATOMICS = {"register-empty": 2, "register-file": 2, "register-anon": 4}
"""Atomic operations for each VMA, mm/vma.c mm_take_all_locks() and mm_drop_all_locks(), v6.12:
vma_start_write() takes and drops the VMA's lock, and each root anon_vma's rwsem is taken and
dropped once. One file's i_mmap_rwsem is taken once in all."""

OPERATIONS = {
    "mprotect-pair": ("two mprotect() of a page", 2),
    "touch-dontneed": ("touch a page, MADV_DONTNEED", 1),
    "mmap-munmap": ("mmap(), touch, munmap()", 1),
    "zero-page-copy": ("MADV_DONTNEED, read, copy on write", 2),
    "mremap-pair": ("two mremap() of a page", 2),
    "fork-exit": ("fork(), exit(), wait()", 1),
}
"""What was timed, and how many notifications it makes at least."""

SUBPAGES = 512


@dataclass(frozen=True)
class Line:
    """Time to register against a number: a constant, and so much for each."""

    name: str
    what: str
    points: tuple[tuple[int, float], ...]
    base: float
    each: float


@dataclass(frozen=True)
class Tax:
    """An operation without a notifier and with one that has nothing to do. Nanoseconds."""

    what: str
    notifications: int
    without: float
    registered: float
    noise: float

    @property
    def tax(self) -> float:
        """What the notifier adds."""
        return self.registered - self.without

    @property
    def is_noise(self) -> bool:
        """Trials differ more among themselves."""
        return abs(self.tax) <= self.noise


@dataclass(frozen=True)
class Figure:
    """One price in nanoseconds, and where it comes from: measured, fitted or counted."""

    what: str
    nanoseconds: float
    origin: str
    how: str


@dataclass(frozen=True)
class Report:
    """All that was found. What this machine cannot show is in `missing`, with the reason."""

    lines: tuple[Line, ...]
    chain: Line | None
    taxes: tuple[Tax, ...]
    figures: tuple[Figure, ...]
    missing: tuple[str, ...]

    def predict(self, vmas: int, chain: int) -> float | None:
        """Nanoseconds of one registration on such an address space, from the fits."""
        anon = next((line for line in self.lines if line.name == "register-anon"), None)
        if anon is None:
            return None
        links = vmas * chain * (self.chain.each if self.chain else 0.0)
        return anon.base + anon.each * vmas + links

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "registration": [_line(line) for line in self.lines],
            "chain": _line(self.chain) if self.chain else None,
            "operations": [
                {
                    "what": tax.what,
                    "notifications": tax.notifications,
                    "without": tax.without,
                    "registered": tax.registered,
                    "tax": tax.tax,
                    "noise": tax.noise,
                }
                for tax in self.taxes
            ],
            "figures": [vars(figure) for figure in self.figures],
            "missing": list(self.missing),
        }


def _line(line: Line) -> dict[str, Any]:
    return {**vars(line), "points": [list(point) for point in line.points]}


def report(samples: Samples, vmas_of_chain: int) -> Report:
    """Fits, differences and counts; `vmas_of_chain`: VMAs of the trials with longer chains."""
    lines = [_fit(samples, name, what) for name, what in LINES.items()]
    chain = _fit(samples, CHAIN, "links in the chain of each VMA", vmas_of_chain)
    missing = []
    if not any(lines):
        missing.append("registration, and its tax: /dev/kvm is not there or refuses a VM")
    if samples.best("pin", 1) is None:
        missing.append("pins: io_uring cannot be used")
    elif samples.best("fork-huge-pinned", 64) is None:
        missing.append("fork of pinned huge pages: there are none")
    return Report(
        lines=tuple(filter(None, lines)),
        chain=chain,
        taxes=tuple(_taxes(samples)),
        figures=tuple(_figures(samples)),
        missing=tuple(missing),
    )


def _fit(samples: Samples, name: str, what: str, per: int = 1) -> Line | None:
    """Least squares, weighted so that small and large numbers count alike."""
    points = samples.line(name)
    if len(points) < 2:
        return None
    x = np.array([point[0] * per for point in points], dtype=float)
    y = np.array([point[1] for point in points], dtype=float)
    each, base = np.polyfit(x, y, 1, w=1 / y)
    return Line(name, what, tuple(points), max(float(base), 0.0), max(float(each), 0.0))


def _taxes(samples: Samples) -> Sequence[Tax]:
    taxes = []
    for name, (what, notifications) in OPERATIONS.items():
        key = f"op-{name}"
        without, registered = samples.best(key, 0), samples.best(key, 1)
        if without is not None and registered is not None:
            noise = max(samples.spread(key, 0), samples.spread(key, 1))
            taxes.append(Tax(what, notifications, without, registered, noise))
    return taxes


def _figures(samples: Samples) -> Sequence[Figure]:
    figures = []
    atomic = samples.best("atomic")
    if atomic is not None:
        figures.append(Figure("an atomic addition, not contended", atomic, "measured", "in a loop"))
        figures.append(
            Figure(
                "GUP-fast and unpin of a page: two atomics",
                2 * atomic,
                "counted",
                "mm/gup.c try_grab_folio_fast(), gup_put_folio(), v6.12",
            )
        )
        for name, count in ATOMICS.items():
            figures.append(
                Figure(
                    f"registration, {LINES[name]}: {count} atomics for each",
                    count * atomic,
                    "counted",
                    "mm/vma.c mm_take_all_locks(), mm_drop_all_locks(), v6.12",
                )
            )
    figures += _slopes(samples)
    return figures


def _slopes(samples: Samples) -> Sequence[Figure]:
    """What a page more costs, as the difference of two trials."""
    figures = []
    rows = (
        ("io_uring pins a page", ("pin", 512), ("pin", 1), 511),
        ("io_uring unpins a page", ("unpin", 512), ("unpin", 1), 511),
        (
            "unsharing a page: allocation, copy, flush",
            ("store-copies", 4096),
            ("store-reuses", 4096),
            1,
        ),
        (
            "fork copies a pinned page early",
            ("fork-small-pinned", 4096),
            ("fork-small", 4096),
            4096,
        ),
        (
            "fork copies a page of a huge page with one pinned subpage",
            ("fork-huge-pinned", 64),
            ("fork-huge", 64),
            64 * SUBPAGES,
        ),
    )
    for what, more, less, pages in rows:
        a, b = samples.best(*more), samples.best(*less)
        if a is not None and b is not None:
            how = f"{more[0]} {a:,.0f} ns, {less[0]} {b:,.0f} ns"
            figures.append(Figure(what, max(a - b, 0.0) / pages, "measured", how))
    return figures
