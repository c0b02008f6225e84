"""`pagefault kernels`: the kernel images that jobs can run on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pagefault.cli.options import PathType, json_option

if TYPE_CHECKING:
    from pagefault.live.kernels import Image

__all__ = ["kernels"]

# As in live/debian.py, which is imported only where it is needed; a test compares them.
SERIES = ("5.10", "6.1", "6.12", "7")
FLAVOURS = ("amd64", "cloud-amd64", "rt-amd64")


@click.group(invoke_without_command=True, short_help="Kernel images: list, fetch, add, probe.")
@json_option
@click.pass_context
def kernels(context: click.Context, as_json: bool) -> None:
    """List the kernel images, or bring in another one. Each boots in QEMU.

    \b
    pagefault kernels                      what there is, and what can be fetched
    pagefault kernels fetch 5.10           Debian's, by the mirror that apt uses here
    pagefault kernels add arch/x86/boot/bzImage --name mine
    pagefault kernels probe 5.10           boot it: what can this kernel do?
    pagefault kernels remove mine

    Images are kept in the folder kernels of the cache (PAGEFAULT_CACHE, or the user's), or where
    PAGEFAULT_KERNELS says.
    """
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"--json comes after {context.invoked_subcommand}")
        return
    rows = _rows()
    if as_json:
        _print_json("kernels", {"kernels": rows})
        return
    width = max(len(str(row["name"])) for row in rows)
    released = max(len(str(row["release"] or "release")) for row in rows)
    click.echo(f"{'name':<{width}}  {'release':<{released}}  from")
    for row in rows:
        where = row["source"] if row["present"] else f"to fetch: {row['source']}"
        click.echo(f"{row['name']:<{width}}  {row['release'] or '-':<{released}}  {where}")


def _rows() -> list[dict[str, Any]]:
    """The images in the store, then those that can be fetched."""
    from pagefault.live.debian import RELEASES
    from pagefault.live.kernels import as_json, images

    rows = [{**as_json(image), "present": True} for image in images()]
    present = {row["name"] for row in rows}
    for series, suites in RELEASES.items():
        if series not in present:
            rows.append(
                {
                    "name": series,
                    "release": None,
                    "path": None,
                    "modules": [],
                    "source": f"Debian {' or '.join(suites)}",
                    "present": False,
                }
            )
    return rows


@kernels.command("add", short_help="Add a boot image of your own.")
@click.argument("path", metavar="PATH", type=PathType())
@click.option("--name", metavar="N", help="Call it N; its release if not given.")
@click.option(
    "--modules",
    metavar="DIR",
    type=PathType(),
    help="Take its modules from DIR: /lib/modules/RELEASE, or what make modules_install wrote.",
)
@json_option
def add(path: Path, name: str | None, modules: Path | None, as_json: bool) -> None:
    """Copy the boot image at PATH, an arch/x86/boot/bzImage or a vmlinuz, into the store.

    Swap, block devices and file systems come from modules in most distributions' kernels: without
    --modules, a test that needs them is skipped unless they are built in.
    """
    from pagefault.live.kernels import add as add_image

    _show(add_image(path, name, modules), as_json)


@kernels.command("fetch", short_help="Fetch a Debian kernel by the mirror that apt uses.")
@click.argument("series", metavar="|".join(SERIES), type=click.Choice(SERIES))
@click.option(
    "--flavour",
    type=click.Choice(FLAVOURS),
    default=FLAVOURS[0],
    show_default=True,
    help="cloud-amd64 is a third of the size, with fewer drivers; rt-amd64 is PREEMPT_RT.",
)
@click.option("--mirror", metavar="URI", help="The base of a Debian mirror, instead of apt's.")
@json_option
def fetch(series: str, flavour: str, mirror: str | None, as_json: bool) -> None:
    """Download the newest Debian kernel of a series: 20 to 125 MB, of which some 20 are kept.

    The mirror, its proxy and its keys are those of apt's configuration. Nothing is installed.
    """
    from pagefault.live.debian import fetch as fetch_image

    with _progress() as progress:
        image = fetch_image(series, flavour, mirror, progress)
    _show(image, as_json)


@kernels.command("probe", short_help="Boot an image: what can this kernel do?")
@click.argument("name", metavar="IMAGE")
@click.option(
    "--accel",
    type=click.Choice(["tcg", "kvm", "auto"]),
    default="tcg",
    show_default=True,
    help="tcg emulates; auto takes KVM if a trial boot comes up in time.",
)
@json_option
def probe(name: str, accel: str, as_json: bool) -> None:
    """Boot IMAGE, a name or the path of a boot image, and try each feature that tests need."""
    from pagefault.live.kernels import find
    from pagefault.live.vm import FEATURES, Options
    from pagefault.live.vm import probe as probe_image

    batch = probe_image(find(name), Options(accel=accel))
    if as_json:
        told = {
            "name": name,
            "release": batch.release,
            "accel": batch.accel,
            "boot_seconds": round(batch.boot_seconds, 2),
            "features": batch.features,
        }
        _print_json("features", told)
        return
    click.echo(f"{batch.release}, up after {batch.boot_seconds:.1f} s ({batch.accel})")
    width = max(map(len, batch.features), default=0)
    for feature, why in batch.features.items():
        click.echo(f"  {feature:<{width}}  {f'no: {why}' if why else FEATURES[feature]}")


@kernels.command("remove", short_help="Remove an image from the store.")
@click.argument("name", metavar="NAME")
def remove(name: str) -> None:
    """Remove the image NAME from the store."""
    from pagefault.live.kernels import remove as remove_image

    remove_image(name)


def _show(image: Image, as_json: bool) -> None:
    from pagefault.live.kernels import as_json as fields

    if as_json:
        _print_json("kernels", {"kernels": [{**fields(image), "present": True}]})
    else:
        click.echo(f"{image.name}: {image.release}, from {image.source}")


def _print_json(kind: str, told: dict[str, Any]) -> None:
    from pagefault.report.story import SCHEMA

    click.echo(json.dumps({"schema": SCHEMA, "kind": kind, **told}, indent=1))


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar for each download on stderr, if that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total or None)

        yield advance
