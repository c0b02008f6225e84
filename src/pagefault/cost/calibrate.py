"""Prices of direct-map changes on this machine, from samples; and what it could not show."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pagefault.cost.measure import Samples
from pagefault.cost.prices import Price, Prices, with_defaults
from pagefault.cost.text import time

__all__ = ["Calibration", "calibration", "calibration_text"]

REASONS = {
    errno.ENOSYS: "memfd_secret is off here (ENOSYS): boot 6.5 or later, or secretmem.enable=1",
    errno.EPERM: "memfd_secret is forbidden here (EPERM), by a filter of system calls",
}


@dataclass(frozen=True)
class Calibration:
    """Prices, what else was seen on the way, and what is missing."""

    prices: Prices
    seen: tuple[Price, ...]
    loop: tuple[float, float] | None
    """The share of another CPU's time that a loop takes: measured, and by these prices."""
    splits: tuple[int, int] | None
    """Entries of 2M and of 1G that were split meanwhile, and stay so."""
    missing: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "prices": self.prices.document(),
            "seen": [vars(price) for price in self.seen],
            "loop": dict(zip(("measured", "predicted"), self.loop, strict=True))
            if self.loop
            else None,
            "splits": dict(zip(("2M", "1G"), self.splits, strict=True)) if self.splits else None,
            "missing": list(self.missing),
        }


def calibration(samples: Samples, asked_for_secret: bool) -> Calibration:
    """Differences of what was measured; what was not keeps its assumption."""
    found = {price.name: price for price in (*_faults(samples), *_flushes(samples))}
    prices = with_defaults(found)
    return Calibration(
        prices,
        tuple(_seen(samples)),
        _loop(samples, prices),
        _splits(samples),
        tuple(_missing(samples, asked_for_secret)),
    )


def _measured(name: str, value: float, how: str) -> Price:
    return Price(name, max(value, 0.0), "measured", how)


def _faults(samples: Samples) -> Iterator[Price]:
    zero, fault, free = (samples.best(name) for name in ("zero", "memfd-fault", "short-free"))
    if zero is None or fault is None or free is None:
        return
    yield _measured("zero", zero, "memset() of 4 KiB that are not in the cache")
    yield _measured("fault", fault - zero, f"memfd fault {time(fault)}, without the zeroing")
    yield _measured("free", free, "closing a memfd, for each page")
    yield Price("split", 2 * zero, "counted", "a page is zeroed, 512 entries are written")
    secret_free = samples.best("secret-free")
    if secret_free is not None:
        how = f"a secret page's free {time(secret_free)}, without the zeroing and a memfd's"
        yield _measured("change", secret_free - free - zero, how)


def _flushes(samples: Samples) -> Iterator[Price]:
    flushes = dict(samples.line("flush"))
    if 0 in flushes and 1 in flushes:
        how = "mprotect() of a page beside a thread on another CPU, and alone"
        yield _measured("ipi", flushes[1] - flushes[0], how)
        more = sorted(others for others in flushes if others > 0)
        if len(more) > 1:
            each = np.polyfit(more, [flushes[others] for others in more], 1)[0]
            yield _measured("ipi-each", float(each), f"beside up to {more[-1]} threads")
    handler = samples.line("handler")
    if handler:
        yield _measured("handler", handler[0][1], "the gap that a thread sees which only spins")
    ranges = dict(samples.line("range"))
    if {33, 34, 64} <= ranges.keys():
        of_entry = (ranges[64] - ranges[34]) / 30
        how = "33 pages one by one, and 34 by a full flush"
        yield _measured("invlpg", (ranges[33] + of_entry - ranges[34]) / 33, how)
    one, all_of_them = samples.best("walk", 1), samples.best("walk", 64)
    if one is not None and all_of_them is not None:
        how = "a walk over 1024 pages after a full flush, and after a flush of one page"
        yield _measured("refill", all_of_them - one, how)


def _seen(samples: Samples) -> Iterator[Price]:
    rows = (
        ("anon-fault", "an anonymous fault"),
        ("memfd-fault", "a memfd fault"),
        ("secret-fault", "a memfd_secret fault"),
        ("secret-free", "a memfd_secret free"),
        ("loop-fault", "a fault and a free of the process that loops"),
    )
    for name, what in rows:
        value = samples.best(name)
        if value is not None:
            yield _measured(name, value, what)


def _loop(samples: Samples, prices: Prices) -> tuple[float, float] | None:
    """By these prices: a fault and a free with no split, and one other CPU."""
    share = samples.best("loop-share")
    if share is None:
        return None
    counts = dict.fromkeys(
        ("splits_1g", "splits_2m", "collapse_flushes", "full_flushes", "faults"), 0
    )
    counts |= {"faults": 1, "freed": 1, "zeroed": 2, "changes": 2}
    counts |= {"range_flushes": 1, "invlpgs": 1}
    return share / 1e6, prices.stolen(counts) / prices.spent(counts, 2)


def _splits(samples: Samples) -> tuple[int, int] | None:
    of_2m, of_1g = samples.best("splits", 2), samples.best("splits", 3)
    return None if of_2m is None or of_1g is None else (int(of_2m), int(of_1g))


def _missing(samples: Samples, asked_for_secret: bool) -> Iterator[str]:
    refused = next((x for name, x in samples.trials if name == "no-secret"), None)
    if refused is not None:
        why = REASONS.get(refused, f"memfd_secret fails here ({errno.errorcode.get(refused)})")
        yield f"change: {why}"
    elif not asked_for_secret:
        taken = "it takes pages out of this machine's direct map"
        yield f"change: {taken}, which --secret --risk-host allows"
    flushes = dict(samples.line("flush"))
    if 1 not in flushes:
        yield "ipi, handler: there is one CPU only, or the other one is busy"
    elif len(flushes) < 3:
        yield "ipi-each: it takes more than two CPUs"


def calibration_text(found: Calibration) -> str:
    """Prices, what else was seen, the loop, and what is missing."""
    from pagefault.cost.directmap_text import prices_text

    lines = ["prices of direct-map changes", *prices_text(found.prices)]
    if found.seen:
        lines += ["", "seen on the way"]
        lines += [f"  {price.how:<46} {time(price.nanoseconds):>8}" for price in found.seen]
    if found.loop is not None:
        measured, predicted = found.loop
        lines.append(
            f"  a loop of memfd_secret takes {measured:.1%} of another CPU's time; "
            f"by the prices {predicted:.1%}"
        )
    if found.splits is not None:
        of_2m, of_1g = found.splits
        lines.append(f"  entries of the direct map split meanwhile: {of_2m} of 2M, {of_1g} of 1G")
    if found.missing:
        lines += ["", *(f"missing: {reason}" for reason in found.missing)]
    return "\n".join(lines)
