"""The report of notifier costs as a picture. Needs matplotlib: pip install 'pagefault[plot]'."""

from __future__ import annotations

from pathlib import Path

from pagefault.cost.notifier import Report
from pagefault.errors import PagefaultError

__all__ = ["plot"]


def plot(report: Report, file: Path) -> None:
    """Registration against VMAs, and the tax of each operation; the file's suffix is the format.

    PagefaultError without matplotlib, or if it cannot write such a file.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PagefaultError(
            "error: a plot needs matplotlib, which is not installed\n"
            "hint: pip install 'pagefault[plot]'"
        ) from None

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for line in report.lines:
        x, y = zip(*line.points, strict=True)
        left.plot(x, [ns / 1e3 for ns in y], "o", label=line.what)
        fitted = [(line.base + line.each * n) / 1e3 for n in x]
        left.plot(x, fitted, "-", color=left.lines[-1].get_color(), linewidth=1)
    left.set(xscale="log", yscale="log", xlabel="VMAs", ylabel="us", title="registering a notifier")
    if report.lines:
        left.legend(loc="lower right")
    names = [tax.what for tax in report.taxes]
    right.barh(names, [tax.tax for tax in report.taxes], xerr=[tax.noise for tax in report.taxes])
    right.set(xlabel="ns", title="what a registered notifier adds")
    try:
        figure.savefig(file)
    except ValueError as error:
        raise PagefaultError(f"error: {file}: {error}") from None
