"""`pagefault cost`: what a design costs on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pagefault.cli.direct_map import calibrate, directmap, splits
from pagefault.cli.memdesc import memdesc
from pagefault.cli.options import columns_for, json_option, plot_option, show

__all__ = ["cost"]


@click.group(short_help="What a design costs: notifiers, pins, copies, the direct map.")
def cost() -> None:
    """Prices: measured on this machine where it can be, counted in the source where not."""


cost.add_command(directmap)
cost.add_command(memdesc)
cost.add_command(calibrate)
cost.add_command(splits)


@cost.command(short_help="What mmu notifiers cost, and what pins cost instead.")
@click.option(
    "--trials",
    type=click.IntRange(min=1, max=1000),
    default=5,
    show_default=True,
    metavar="N",
    help="Measure each so often; the quickest counts.",
)
@click.option(
    "--most",
    type=click.IntRange(min=100, max=30_000),
    default=20_000,
    show_default=True,
    metavar="VMAS",
    help="Register on address spaces of up to so many VMAs.",
)
@click.option(
    "--vmas",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Predict the registration on an address space of so many anonymous VMAs,",
)
@click.option(
    "--chain",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="each with so many ancestors' anon_vmas in its chain.",
)
@json_option
@plot_option
def notifier(
    trials: int, most: int, vmas: int, chain: int, as_json: bool, plot: Path | None
) -> None:
    """Measure what a process pays that is followed by an mmu notifier, and what pins cost instead.

    A notifier is registered by creating an empty KVM machine, which nothing runs in: against the
    number of VMAs, and the length of their anon_vma chains. Then each operation with it and
    without. Pins are io_uring's fixed buffers: pinning, unpinning, and fork's early copies.
    """
    from pagefault.cost import measure, report
    from pagefault.cost.plot import plot as draw
    from pagefault.cost.text import text
    from pagefault.report.story import SCHEMA

    found = report(measure("notifier.c", trials, most), most // 10)
    document = {"schema": SCHEMA, "kind": "cost", "unit": "ns", **found.document()}
    document["predicted"] = {
        "vmas": vmas,
        "chain": chain,
        "nanoseconds": found.predict(vmas, chain),
    }
    told = json.dumps(document, indent=1) if as_json else text(found, vmas, chain)
    show(told, None if plot is None else lambda: draw(found, plot))


@cost.command(short_help="How many pages a design allocates: unshares, early copies, faults.")
@click.argument("selectors", metavar="[TEST]...", nargs=-1)
@click.option(
    "--design",
    "-d",
    "designs",
    multiple=True,
    metavar="D",
    help="A column: a name, or the path of a design file. May be repeated. Default: the designs "
    "that the tests make claims about.",
)
@json_option
def copies(selectors: tuple[str, ...], designs: tuple[str, ...], as_json: bool) -> int:
    """Count in the model the pages that each design allocates in each TEST.

    TEST is a name, a list such as cow, a family such as gup/, a glob, a file or a folder; without
    any, the catalogue.
    One schedule of each is walked, the same under all designs. Each cell has three numbers: pages
    that statements allocated which take references (an unshare, or a page that was never written),
    that fork allocated (early copies), and that faults did.
    """
    from pagefault.cli.running import shown_name
    from pagefault.lang import select
    from pagefault.link import link
    from pagefault.report.copies import allocations, copies_text
    from pagefault.report.story import SCHEMA

    entries = select(selectors)
    columns = designs or columns_for(entries)
    kernels = {shown_name(design): link(design) for design in columns}
    document = {
        "schema": SCHEMA,
        "kind": "copies",
        "designs": list(kernels),
        "tests": [
            {
                "name": entry.name,
                "allocated": {
                    name: dict(allocations(kernel, entry.program))
                    for name, kernel in kernels.items()
                },
            }
            for entry in entries
        ],
    }
    click.echo(json.dumps(document, indent=1) if as_json else copies_text(document))
    return 0
