"""`pagefault campaign`: generated programs in numbers, under many designs."""

from __future__ import annotations

from pathlib import Path

import click

from pagefault.cli.options import NumberType, PathType, jobs_option, json_option

__all__ = ["campaign"]

THEME_NAMES = ("pins", "references", "tlb", "tracking", "swap", "mirrors", "any")
"""Those of lang/generate.py, which help must not load."""
BACKENDS = ("loky", "threading", "dask", "ray")


@click.command(short_help="Many generated programs: which promises break, by the smallest program.")
@click.option(
    "--design",
    "-d",
    "designs",
    multiple=True,
    default=("mainline",),
    show_default=True,
    metavar="D",
    help="A design or a part: a name, or the path of a design file. May be repeated.",
)
@click.option(
    "--programs",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Make so many programs,",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="S",
    help="of this seed and those that follow it.",
)
@click.option(
    "--minutes",
    type=NumberType(min=0),
    metavar="M",
    help="Begin no more searches after so many minutes.",
)
@click.option("--until-found", is_flag=True, help="Begin no more once a promise broke.")
@click.option(
    "--grain",
    type=click.Choice(["op", "step"]),
    default="step",
    show_default=True,
    help="Switch tasks after each statement (op), or at each switch point of the kernel (step).",
)
@click.option(
    "--theme",
    "themes",
    multiple=True,
    type=click.Choice(THEME_NAMES),
    metavar="T",
    help=f"Draw verbs of this theme only: {', '.join(THEME_NAMES)}. May be repeated; without it, "
    "the seeds take turns at all.",
)
@click.option(
    "--verbs",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    metavar="N",
    help="Each program has loads, stores and a random choice of so many other verbs; 0: of all.",
)
@click.option(
    "--tasks",
    type=click.IntRange(1, 6),
    default=3,
    show_default=True,
    metavar="N",
    help="At most N tasks,",
)
@click.option(
    "--statements",
    type=click.IntRange(1, 8),
    default=4,
    show_default=True,
    metavar="N",
    help="some N statements each,",
)
@click.option(
    "--pages",
    type=click.IntRange(1, 4),
    default=2,
    show_default=True,
    metavar="N",
    help="and N pages.",
)
@click.option(
    "--without",
    multiple=True,
    default=("get",),
    show_default=True,
    metavar="VERB",
    help="Leave out this verb. May be repeated.",
)
@click.option(
    "--max-states",
    type=click.IntRange(min=1),
    default=20_000,
    show_default=True,
    metavar="N",
    help="Give up on a program after so many states: what it broke so far counts.",
)
@click.option(
    "--litmus",
    type=PathType(file_okay=False),
    metavar="FOLDER",
    help="Write each finding as a litmus file there.",
)
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="loky",
    show_default=True,
    help="What joblib runs it on: processes or threads here, or a cluster of Dask or Ray.",
)
@click.option(
    "--database",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help="Keep results there instead of in the user's data folder.",
)
@click.option("--no-database", is_flag=True, help="Keep nothing, and search all.")
@json_option
@jobs_option
def campaign(
    designs: tuple[str, ...],
    programs: int,
    seed: int,
    minutes: float | None,
    until_found: bool,
    grain: str,
    themes: tuple[str, ...],
    verbs: int,
    tasks: int,
    statements: int,
    pages: int,
    without: tuple[str, ...],
    max_states: int,
    litmus: Path | None,
    backend: str,
    database: Path | None,
    no_database: bool,
    as_json: bool,
    jobs: int | None,
) -> int:
    """Search generated programs for promises that designs break.

    What breaks is shrunk to a small program with its shortest trace, and told once for each design,
    promise and end of the trace; with it, whether mainline breaks it too, and which parts of the
    design are to blame.

    \b
    pagefault campaign --programs 10000             mainline, as the model has it
    pagefault campaign -d linux-5.10 -d linux-6.1   what older releases break
    pagefault campaign -d ./mine.py --litmus found/ your design; each finding as a test

    What was searched is kept: after Ctrl-C the same command goes on, and with more programs it
    searches only those (docs/campaigns.md).

    Exit code: 0, 1 if mainline breaks a promise or the model itself fails, 2 an error.
    """
    from pagefault.campaign.run import Campaign
    from pagefault.campaign.search import Dice
    from pagefault.cli import campaigning
    from pagefault.lang.verbs import VERBS

    if no_database and database is not None:
        raise click.UsageError("--database and --no-database exclude each other")
    for verb in without:
        if verb not in VERBS:
            raise click.UsageError(f"--without: there is no verb {verb!r}")
    dice = Dice(themes or THEME_NAMES, verbs, tasks, statements, pages, without)
    order = Campaign(
        designs=tuple(dict.fromkeys(designs)),
        grain=grain,
        seeds=range(seed, seed + programs),
        states=max_states,
        dice=dice,
        seconds=None if minutes is None else 60 * minutes,
        until_found=until_found,
    )
    return campaigning.run(order, backend, jobs, database, not no_database, as_json, litmus)
