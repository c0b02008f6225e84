"""The report of the direct map as text."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault.cost.directmap import Report, Row
from pagefault.cost.prices import Prices
from pagefault.cost.text import time

__all__ = ["directmap_text", "prices_text", "size_text"]

HEAD = (
    ("interface", "flush", "splits", "", "lost", "", "tables", "flushes", "", "IPIs", "lock", "a"),
    ("", "", "1G", "2M", "1G", "2M", "", "range", "full", "", "held", "fault"),
)
LOOP = ("one loop", "takes")


def size_text(size: int) -> str:
    """Bytes with a unit that keeps them short."""
    for shift, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << shift:
            return f"{size / (1 << shift):.4g} {unit}"
    return f"{size} B"


def number(value: int) -> str:
    """A count in at most five places."""
    for limit, unit in ((10**5, ""), (10**8, "k"), (10**11, "M"), (10**14, "G")):
        if value < limit:
            return f"{value // max(limit // 10**5, 1)}{unit}"
    return f"{value:.1e}"


def directmap_text(report: Report) -> str:
    """A row for each policy, what the columns mean, and what was assumed."""
    return "\n".join((*_machine(report), "", *_table(report), "", *_notes(report)))


def _machine(report: Report) -> Iterator[str]:
    load = report.load
    state = "as after boot" if load.fresh else f"worn, seed {load.seed}"
    yield (
        f"{size_text(report.size.pages << 12)} of memory, {report.size.cpus} CPUs, "
        f"{load.used:.0%} used, {state}"
    )
    guest = f", beside {size_text(load.guest << 12)} of a guest" if load.guest else ""
    yield (
        f"{load.processes} processes, secrets of {load.secret} pages, {report.faults} faults{guest}"
    )


def _table(report: Report) -> Iterator[str]:
    rows = [
        (*HEAD[0], LOOP[0]),
        (*HEAD[1], LOOP[1]),
        *(_cells(row, report.prices) for row in report.rows),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        left = "  ".join(f"{cell:<{w}}" for cell, w in zip(row[:2], widths[:2], strict=True))
        right = "  ".join(f"{cell:>{w}}" for cell, w in zip(row[2:], widths[2:], strict=True))
        yield f"{left}  {right}"


def _cells(row: Row, prices: Prices) -> tuple[str, ...]:
    counts = row.counts
    full = counts["flushes"] - counts["range_flushes"]
    return (
        row.policy.interface,
        row.policy.flush.name,
        number(counts["splits_1g"]),
        number(counts["splits_2m"]),
        number(row.lost["1G"]),
        number(row.lost["2M"]),
        size_text(counts["tables"] << 12),
        number(counts["range_flushes"]),
        number(full),
        number(counts["ipis"]),
        time(row.locked),
        time(row.fault),
        f"{row.loop_takes(prices, counts['cpus']):.2%}",
    )


def _notes(report: Report) -> Iterator[str]:
    for row in report.rows:
        name = f"{row.policy.interface} {row.policy.flush.name}"
        if failures := row.counts["failures"]:
            yield f"{name}: {failures} of {report.faults} faults found no memory"
        if exposed := row.counts["exposed"]:
            yield f"{name}: {exposed} pages were in use before every TLB had forgotten them"
        if idle := row.counts["pooled"] - row.counts["held"]:
            if idle > 0:
                yield f"{name}: {size_text(idle << 12)} is out of the direct map and unused"
    yield "one loop takes: the share of every other CPU's time that one process takes which only"
    yield "opens, touches and closes. lock held: cpa_lock. Times are counts by these prices:"
    yield from prices_text(report.prices)


def prices_text(prices: Prices) -> Iterator[str]:
    """A line for each price."""
    for price in prices.of.values():
        yield f"  {price.name:<9} {time(price.nanoseconds):>8}  {price.origin}: {price.how}"
