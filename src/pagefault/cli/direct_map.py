"""`pagefault cost directmap` and `pagefault cost calibrate`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pagefault.cli.options import NumberType, PathType, json_option, plot_option, show
from pagefault.errors import LiveError

__all__ = ["calibrate", "directmap", "splits"]


@click.command(short_help="What exclusive pages do to a machine: splits, flushes, lost mappings.")
@click.option("--memory", default="1TiB", show_default=True, metavar="SIZE", help="Of the machine.")
@click.option(
    "--cpus", type=click.IntRange(1, 8192), default=256, show_default=True, help="Of the machine."
)
@click.option(
    "--faults",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    help="Exclusive pages that are taken, one after the other.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="Each opens a secret, touches it, closes it, and again,",
)
@click.option(
    "--secret",
    type=click.IntRange(1, 1 << 16),
    default=16,
    show_default=True,
    metavar="PAGES",
    help="of so many pages.",
)
@click.option(
    "--guest", metavar="SIZE", help="A guest takes so much exclusive memory first, and keeps it."
)
@click.option(
    "--interface",
    "interfaces",
    multiple=True,
    metavar="NAME",
    help="page, file-pool, global-pool, migrate-type or collapse. May be repeated.",
)
@click.option(
    "--flush",
    "flushes",
    multiple=True,
    metavar="WHEN",
    help="each, batch:PAGES, defer:PAGES or never, with each interface. May be repeated.",
)
@click.option("--fresh", is_flag=True, help="Start as after boot; else worn by other allocations.")
@click.option(
    "--used",
    type=NumberType(0, 0.99),
    default=0.6,
    show_default=True,
    metavar="SHARE",
    help="Of the memory, in use before.",
)
@click.option("--seed", type=click.IntRange(1), default=1, show_default=True, help="Of all chance.")
@click.option(
    "--prices",
    "prices_file",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help="What `pagefault cost calibrate --json` printed; else assumptions, marked as such.",
)
@json_option
@plot_option
def directmap(
    memory: str,
    cpus: int,
    faults: int,
    processes: int,
    secret: int,
    guest: str | None,
    interfaces: tuple[str, ...],
    flushes: tuple[str, ...],
    fresh: bool,
    used: float,
    seed: int,
    prices_file: Path | None,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Simulate a machine on which processes take pages out of the direct map and give them back.

    The kernel maps all memory by entries of 1G. A page that leaves splits the entry, and the 2M
    entry below it; each split and each removal is flushed from every CPU's TLB; a page that comes
    back joins nothing. Where the pages lie decides: the allocator is simulated as it is in 6.12.

    Interfaces: page by page as memfd_secret(2) does; from 2M that each file has (its version 16),
    from a pool for all, from pageblocks of a migrate type of their own; page by page, with entries
    joined again when all of their pages are back.

    Flushes: at each removal; after PAGES removals in one call; all at once when PAGES have gone,
    and meanwhile they are in use; never. The simulator is compiled once, which takes a while.
    """
    from pagefault.cost.directmap import POLICIES, Policy, bytes_of, flush_of, report
    from pagefault.cost.directmap_text import directmap_text
    from pagefault.cost.machine import Load, Size, interface_of
    from pagefault.cost.plot import plot_directmap
    from pagefault.cost.prices import read_prices
    from pagefault.report.story import SCHEMA

    size = Size(bytes_of(memory) >> 12, cpus)
    load = Load(
        processes=processes,
        secret=secret,
        used=used,
        guest=bytes_of(guest) >> 12 if guest else 0,
        fresh=fresh,
        seed=seed,
    ).on(size)
    policies = [
        Policy(interface_of(interface), flush_of(flush))
        for interface in interfaces or ("page",)
        for flush in flushes or ("each",)
    ]
    chosen = policies if interfaces or flushes else POLICIES
    found = report(size, load, chosen, faults, read_prices(prices_file))
    document = {"schema": SCHEMA, "kind": "directmap", "unit": "ns", **found.document()}
    text = json.dumps(document, indent=1) if as_json else directmap_text(found)
    show(text, None if plot is None else lambda: plot_directmap(found, plot))


@click.command(short_help="Measure here what changes of the direct map cost.")
@click.option(
    "--trials",
    type=click.IntRange(min=1, max=1000),
    default=5,
    show_default=True,
    metavar="N",
    help="Measure each so often; the quickest counts.",
)
@click.option(
    "--secret",
    is_flag=True,
    help="Take up to 64 pages out of this machine's direct map. What that splits stays so.",
)
@click.option(
    "--risk-host",
    is_flag=True,
    help="With --secret: the machine may keep the split entries until it is booted again.",
)
@json_option
def calibrate(trials: int, secret: bool, risk_host: bool, as_json: bool) -> None:
    """Measure faults, frees, zeroing, IPIs and flushes on this machine: prices for `directmap`.

    A flush by IPI is timed as mprotect() of a page beside threads of the same process that spin on
    other CPUs, which is the same round of IPIs. What is not measured keeps an assumption.
    """
    if secret and not risk_host:
        raise LiveError(
            "--secret splits entries of this machine's direct map, which stay split until it boots "
            "again: add --risk-host if that may be; `pagefault cost splits -k IMAGE` counts splits "
            "in a guest"
        )
    from pagefault.cost.calibrate import calibration, calibration_text
    from pagefault.cost.measure import measure
    from pagefault.report.story import SCHEMA

    found = calibration(measure("calibrate.c", trials, int(secret)), secret)
    if as_json:
        document = {"schema": SCHEMA, "kind": "prices", "unit": "ns", **found.document()}
        click.echo(json.dumps(document, indent=1))
    else:
        click.echo(calibration_text(found))


@click.command(short_help="Take secret pages on a kernel in QEMU; compare with the simulator.")
@click.option("-k", "--kernel", required=True, metavar="IMAGE", help="See `pagefault kernels`.")
@click.option(
    "--pages",
    type=click.IntRange(1, 8000),
    default=2048,
    show_default=True,
    help="Taken out of the guest's direct map.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="Predictions of each kind: where free blocks lie is chance.",
)
@json_option
def splits(kernel: str, pages: int, seeds: int, as_json: bool) -> None:
    """Take pages by memfd_secret(2) on a real kernel and hold its counters against the simulator.

    The kernel boots in QEMU, since what is split stays split. The prediction starts from the
    guest's own /proc/pagetypeinfo and /proc/zoneinfo: how many free blocks of each size and type
    there are. Where they lie they do not say, so there are two: close together, and anywhere.
    """
    from pagefault.cost.observing import observe, observed_text
    from pagefault.live.kernels import find
    from pagefault.report.story import SCHEMA

    image = find(kernel)
    found = observe(image, pages, seeds)
    if as_json:
        document = {"schema": SCHEMA, "kind": "splits", "kernel": image.release}
        rows = [one.document() for one in found]
        click.echo(json.dumps({**document, "situations": rows}, indent=1))
    else:
        click.echo(observed_text(image.release, found))
