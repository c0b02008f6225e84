"""`pagefault conform`: does the model do what kernels do?"""

from __future__ import annotations

from pathlib import Path

import click

from pagefault.cli.backends import risk_option
from pagefault.cli.options import PathType, json_option

__all__ = ["conform"]


@click.command(short_help="Model against real kernels, schedule by schedule.")
@click.argument("selectors", metavar="[TEST]...", nargs=-1)
@click.option(
    "--kernel",
    "-k",
    "kernels",
    multiple=True,
    default=("host",),
    show_default=True,
    metavar="K",
    help="host, an image by name (see pagefault kernels), or a boot image's path. May be repeated. "
    "An image may have files of /sys/kernel/mm written first: 6.12,lru_gen/enabled=0.",
)
@click.option(
    "--design",
    "-d",
    metavar="D",
    help="Hold the kernels against this design: a name, or the path of a design file. Without it, "
    "against the one for the kernel's release: linux-5.10, linux-6.1, mainline and so on.",
)
@click.option(
    "--generated",
    type=click.IntRange(min=1),
    metavar="N",
    help="Take N random programs instead of tests. A difference is shrunk to a small program.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="S",
    help="The first of their seeds; the others follow it.",
)
@click.option(
    "--tasks",
    type=click.IntRange(1, 6),
    default=3,
    show_default=True,
    metavar="N",
    help="Random programs have at most N tasks,",
)
@click.option(
    "--statements",
    type=click.IntRange(1, 8),
    default=4,
    show_default=True,
    metavar="N",
    help="with at most some N statements each.",
)
@click.option("--huge", is_flag=True, help="Random programs have pages that may be one huge page.")
@click.option(
    "--max-schedules",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most so many schedules of a program: of more, a sample, always the same.  [default: "
    "10000; 300 of a random one]",
)
@click.option("--again", is_flag=True, help="Ask again what the database knows already.")
@click.option(
    "--database",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help="Keep results there instead of in the user's data folder.",
)
@click.option("--no-database", is_flag=True, help="Keep nothing, and ask all.")
@click.option(
    "--known",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help="Another list of differences that stand than the one that comes with pagefault.",
)
@json_option
@click.option("--tap", is_flag=True, help="Print TAP, as the kernel's selftests do.")
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), default=1, metavar="N", help="Drivers on the host."
)
@risk_option
def conform(
    selectors: tuple[str, ...],
    kernels: tuple[str, ...],
    design: str | None,
    generated: int | None,
    seed: int,
    tasks: int,
    statements: int,
    huge: bool,
    max_schedules: int | None,
    again: bool,
    database: Path | None,
    no_database: bool,
    known: Path | None,
    as_json: bool,
    tap: bool,
    jobs: int,
    risk_host: bool,
) -> int:
    """Run each TEST in every schedule on real kernels and on the model, and compare.

    Compared are registers, errnos, signals, what each cell holds at the end, which pages share a
    frame, and whether a statement could be done at all. TEST is as for pagefault check; without
    any, the catalogue.

    \b
    pagefault conform cow/                        on the kernel that runs here
    pagefault conform -k host -k 5.10 -k 6.1      on three, with a table
    pagefault conform --generated 1000 --seed 7   random programs

    Results are kept by program, kernel and design, and not asked again. Differences that stand are
    listed in the package (conform/known.toml), with reason and evidence.

    Exit code: 0 all agree or as listed, 1 an unexplained difference, 2 an error, 4 nothing was run.
    """
    from pagefault.cli.conforming import Order, run

    if as_json and tap:
        raise click.UsageError("--json and --tap exclude each other")
    if generated is not None and selectors:
        raise click.UsageError("--generated takes random programs instead of tests: name no TEST")
    if no_database and database is not None:
        raise click.UsageError("--database and --no-database exclude each other")
    return run(
        Order(
            selectors=selectors,
            kernels=tuple(dict.fromkeys(kernels)),
            design=design,
            generated=generated,
            seed=seed,
            tasks=tasks,
            statements=statements,
            huge=huge,
            most=max_schedules or (MOST if generated is None else MOST_GENERATED),
            again=again,
            database=database,
            keep=not no_database,
            known=known,
            form="json" if as_json else "tap" if tap else "text",
            jobs=jobs,
            risk_host=risk_host,
        )
    )


MOST, MOST_GENERATED = 10_000, 300
