"""Reports of costs as pictures. Needs matplotlib: pip install 'pagefault[plot]'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pagefault.cost.directmap import Report as DirectMap
from pagefault.cost.directmap_text import size_text
from pagefault.cost.memdesc import PAGE, WORLDS
from pagefault.cost.memdesc import Report as Memdesc
from pagefault.cost.notifier import Report
from pagefault.errors import PagefaultError

__all__ = ["can_plot", "plot", "plot_directmap", "plot_memdesc"]

MACHINES = [2, 4, 8, 16, 32, 64, 128, 256, 512]


def can_plot(file: Path) -> None:
    """PagefaultError without matplotlib, or if it knows no such format. To be asked before what
    takes long."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PagefaultError(
            "error: a plot needs matplotlib, which is not installed\n"
            "hint: pip install 'pagefault[plot]'"
        ) from None
    formats = Figure().canvas.get_supported_filetypes()
    if file.suffix.removeprefix(".") not in formats:
        raise PagefaultError(
            f"{file}: error: the name of a plot ends in its format\n"
            f"hint: one of .{', .'.join(sorted(formats))}"
        )


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, file: Path) -> None:
    try:
        figure.savefig(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise PagefaultError(f"{file}: error: {why}") from None


def plot(report: Report, file: Path) -> None:
    """Registration against VMAs, and the tax of each operation; the file's suffix is the format.

    To be asked before: can_plot().
    """
    figure = _figure(11, 4.5)
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
    _save(figure, file)


def plot_directmap(report: DirectMap, file: Path) -> None:
    """Lost mappings while the load runs; a fault, and what one process takes, against CPUs."""
    figure = _figure(14, 5)
    lost, fault, taken = figure.subplots(1, 3)
    for number, row in enumerate(report.rows):
        # Rows that do the same lie upon each other: each is thinner than the one below it.
        style = {"color": f"C{number}", "linewidth": 5 - 4 * number / max(len(report.rows) - 1, 1)}
        faults, gibs, _ = zip(*row.grown, strict=True)
        lost.plot(faults, gibs, **style)
        times = [report.prices.spent(row.counts, cpus) for cpus in MACHINES]
        served = max(row.counts["faults"], 1)
        name = f"{row.policy.interface}, {row.policy.flush.name}"
        fault.plot(MACHINES, [ns / served / 1e3 for ns in times], label=name, **style)
        shares = [row.loop_takes(report.prices, cpus) for cpus in MACHINES]
        taken.plot(
            MACHINES, [share * (n - 1) for share, n in zip(shares, MACHINES, strict=True)], **style
        )
    lost.set(xscale="log", xlabel="faults", ylabel="1G mappings lost", title="the direct map")
    lost.set_ylim(bottom=0)
    fault.set(xscale="log", yscale="log", xlabel="CPUs", ylabel="us", title="a fault and its free")
    taken.set(xscale="log", xlabel="CPUs", ylabel="CPUs", title="what one looping process takes")
    figure.legend(loc="outside lower center", ncols=4)
    _save(figure, file)


def plot_memdesc(report: Memdesc, file: Path) -> None:
    """Bytes a page where struct page is smallest, atomic operations, and what a pin keeps."""
    figure = _figure(14, 5)
    described, mapped, kept = figure.subplots(1, 3)
    designs = list(dict.fromkeys(row.design for row in report.rows))
    sizes = sorted({row.pages * PAGE for row in report.rows})
    for number, design in enumerate(designs):
        rows = sorted((row for row in report.rows if row.design == design), key=lambda r: r.pages)
        # Designs that cost the same lie upon each other: each is thinner than the one below it.
        style = {"color": f"C{number}", "linewidth": 11 - 2 * number}
        if len(sizes) == 1:
            style |= {"marker": "o", "markersize": 22 - 4 * number}
        smallest = [row for row in rows if row.struct_page == WORLDS[-1]]
        described.plot(
            [row.pages * PAGE for row in smallest],
            [row.bytes_per_page for row in smallest],
            **style,
        )
        rows = [row for row in rows if row.struct_page == WORLDS[0]]
        allocated = [row.pages * PAGE for row in rows]
        mapped.plot(allocated, [row.map_atomics for row in rows], label=design, **style)
        kept.plot(allocated, [row.retained for row in rows], **style)
    shown = sizes[:: len(sizes) // 6 + 1]
    for axes in (described, mapped, kept):
        axes.set(xlabel="allocated")
        axes.set_xscale("log", base=2)
        axes.set_xticks(shown, [size_text(size) for size in shown], rotation=30)
    described.set(ylabel="bytes a page", title="what describes it, struct page of 8 bytes")
    described.set_ylim(bottom=0)
    mapped.set(ylabel="atomic operations", title="an mmap() of all")
    mapped.set_yscale("symlog", linthresh=1)
    mapped.set_ylim(bottom=-0.2)
    kept.set(title="what one pinned page keeps")
    kept.set_yscale("symlog", base=2, linthresh=PAGE / 2)
    held = sorted({PAGE, *shown})
    kept.set_yticks([0, *held], ["refused", *(size_text(size) for size in held)])
    kept.set_ylim(bottom=-PAGE / 8)
    figure.legend(loc="outside lower center", ncols=3)
    _save(figure, file)
