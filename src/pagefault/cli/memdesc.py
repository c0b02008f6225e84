"""`pagefault cost memdesc`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pagefault.cli.options import json_option, plot_option, show

__all__ = ["memdesc"]


@click.command(short_help="What it costs to keep track of kernel pages that processes map.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="SIZE",
    help="Of an allocation, such as 64KiB. May be repeated; else 4 KiB to 1 GiB.",
)
@json_option
@plot_option
def memdesc(sizes: tuple[str, ...], as_json: bool, plot: Path | None) -> None:
    """Count what each design for vmalloc pages in user space costs, from one page to 1 GiB.

    The designs are those of `pagefault table vmalloc`. Counted are the bytes that describe a page,
    where struct page has 64, 32 or 8; the atomic operations of mmap(), munmap() and a pin; and the
    memory that one pinned page keeps from being freed. Nothing is measured.
    """
    from pagefault.cost.directmap import bytes_of
    from pagefault.cost.memdesc import PAGE, SIZES, report
    from pagefault.cost.memdesc_text import memdesc_text
    from pagefault.cost.plot import plot_memdesc
    from pagefault.report.story import SCHEMA

    found = report([-(-bytes_of(size) // PAGE) for size in sizes] or SIZES)
    document = {"schema": SCHEMA, "kind": "memdesc", "unit": "bytes", **found.document()}
    text = json.dumps(document, indent=1) if as_json else memdesc_text(found)
    show(text, None if plot is None else lambda: plot_memdesc(found, plot))
