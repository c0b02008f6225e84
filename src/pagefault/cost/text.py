"""The report of notifier costs as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pagefault.cost.notifier import Line, Report, Tax

__all__ = ["text"]


def time(nanoseconds: float) -> str:
    """A time with a unit that keeps it short."""
    for limit, unit in ((1e3, "ns"), (1e6, "us"), (1e9, "ms")):
        if abs(nanoseconds) < limit:
            return f"{nanoseconds / (limit / 1e3):.3g} {unit}"
    return f"{nanoseconds / 1e9:.3g} s"


def text(report: Report, vmas: int, chain: int) -> str:
    """Tables of registration, operations and prices; then what could not be had."""
    blocks = (
        list(_registration(report, vmas, chain)),
        list(_operations(report.taxes)),
        list(_figures(report)),
        [f"missing: {reason}" for reason in report.missing],
    )
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _registration(report: Report, vmas: int, chain: int) -> Iterator[str]:
    if not report.lines:
        return
    yield "registering a notifier, which takes every lock of the address space (measured)"
    for line in report.lines:
        yield from _line(line, "VMA")
    if report.chain is not None:
        yield from _line(report.chain, "link and VMA")
    predicted = report.predict(vmas, chain)
    if predicted is not None:
        yield f"  {vmas} VMAs with {chain} more links each: {time(predicted)} (fitted)"


def _line(line: Line, each: str) -> Iterator[str]:
    points = "  ".join(f"{x}: {time(y)}" for x, y in line.points)
    yield f"  {line.what}: {time(line.each)} for each {each}, beside {time(line.base)} (fitted)"
    yield f"      {points}"


def _operations(taxes: Sequence[Tax]) -> Iterator[str]:
    if not taxes:
        return
    yield "what a notifier that has nothing to do adds to each operation (measured)"
    width = max(len(tax.what) for tax in taxes)
    yield f"  {'':<{width}}  {'without':>9}  {'with':>9}  {'tax':>9}  notifications"
    for tax in taxes:
        noise = f"  (noise: {time(tax.noise)})" if tax.is_noise else ""
        yield (
            f"  {tax.what:<{width}}  {time(tax.without):>9}  {time(tax.registered):>9}"
            f"  {time(tax.tax):>9}  {tax.notifications}{noise}"
        )


def _figures(report: Report) -> Iterator[str]:
    if not report.figures:
        return
    yield "prices"
    width = max(len(figure.what) for figure in report.figures)
    for figure in report.figures:
        yield (
            f"  {figure.what:<{width}}  {time(figure.nanoseconds):>9}"
            f"  {figure.origin}: {figure.how}"
        )
