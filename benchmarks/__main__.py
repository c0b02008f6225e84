"""`python -m benchmarks`: run all that is installed, and print a table."""

from __future__ import annotations

import json
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from benchmarks.contenders import Contender, Figures, ToolError, contenders

MODELS = ("zap-four", "counters", "philosophers")
REFERENCE = "Spin BFS"

Runs = dict[str, list[Figures]]


@click.command()
@click.argument("models", nargs=-1, type=click.Choice([*MODELS, "zap-two", "zap-three"]))
@click.option("--rounds", default=3, show_default=True, help="How often each is run.")
@click.option("--only", help="Contenders whose name contains this; by commas.")
@click.option("--json", "as_json", is_flag=True, help="All runs, as JSON.")
def main(models: tuple[str, ...], rounds: int, only: str | None, as_json: bool) -> None:
    """Run the same models in pagefault and in other checkers."""
    wanted = [word.strip().lower() for word in only.split(",")] if only else [""]
    entrants = []
    for contender in contenders():
        if not any(word in contender.name.lower() for word in wanted):
            continue
        if missing := contender.missing():
            click.echo(f"left out: {contender.name}: missing {', '.join(missing)}", err=True)
        else:
            entrants.append(contender)
    everything = {}
    ok = True
    with tempfile.TemporaryDirectory() as folder:
        for model in models or MODELS:
            runs = _race(model, entrants, rounds, Path(folder))
            everything[model] = runs
            if not as_json:
                click.echo("\n".join(_table(model, runs, entrants)))
            ok &= _agree(model, runs, entrants)
    if as_json:
        click.echo(json.dumps(_json(everything, entrants), indent=2))
    sys.exit(0 if ok else 1)


def _race(model: str, entrants: list[Contender], rounds: int, folder: Path) -> Runs:
    """Each in turn, several times over: what disturbs the machine disturbs them alike."""
    once: dict[str, Callable[[], Figures]] = {}
    for i, contender in enumerate(entrants):
        place = folder / f"{model}-{i}"
        place.mkdir()
        try:
            once[contender.name] = contender.prepare(contender.instance(model), place)
        except ToolError as error:
            click.echo(f"left out: {contender.name} on {model}: {error}", err=True)
    runs: Runs = {name: [] for name in once}
    for _ in range(rounds):
        for name, run in once.items():
            runs[name].append(run())
    return runs


def _seconds(figures: list[Figures]) -> float:
    return statistics.median(f.seconds for f in figures)


def _rate(figures: list[Figures]) -> float:
    return figures[0].states / max(_seconds(figures), 1e-9)


def _agree(model: str, runs: Runs, entrants: list[Contender]) -> bool:
    """Whether all that ran the model itself found the same."""
    numbers = {
        (f.states, f.transitions): contender.name
        for contender in entrants
        if contender.instance(model) == model
        for f in runs.get(contender.name, [])
        if f.exact
    }
    if len(numbers) > 1:
        click.echo(f"{model}: they do not agree: {numbers}", err=True)
    return len(numbers) <= 1


_HEAD = (
    f"{'':18} {'states':>10} {'transitions':>11} {'seconds':>8} {'states/s':>10} {'ratio':>6} "
    f"{'B/state':>8} {'vector':>6} {'peak MB':>8}"
)


def _table(model: str, runs: Runs, entrants: list[Contender]) -> list[str]:
    """A row for each contender; seconds are the median, ratio is of states/s to Spin's BFS."""
    reference = _rate(runs[REFERENCE]) if runs.get(REFERENCE) else None
    lines = [f"{model:18} {_HEAD[19:]}"]
    notes = []
    for contender in entrants:
        figures = runs.get(contender.name)
        if not figures:
            continue
        first = figures[0]
        ratio = f"{_rate(figures) / reference:.2f}" if reference else "-"
        grown = statistics.median(f.grown for f in figures) / first.states
        peak = statistics.median(f.peak for f in figures) / 1e6
        mark = "" if first.exact else "~"
        lines.append(
            f"{contender.name:18} {mark + str(first.states):>10} {first.transitions:>11} "
            f"{_seconds(figures):>8.2f} {_rate(figures):>10.0f} {ratio:>6} "
            f"{grown:>8.0f} {first.vector or '-':>6} {peak:>8.0f}"
        )
        if contender.instance(model) != model:
            notes.append(f"  {contender.name} runs {contender.instance(model)}")
    if any(not figures[0].exact for figures in runs.values() if figures):
        notes.append("  ~ states as this checker counts them")
    return [*lines, *notes, ""]


def _json(everything: dict[str, Runs], entrants: list[Contender]) -> dict[str, Any]:
    return {
        "machine": {"cpu": platform.machine(), "python": platform.python_version()},
        "models": {
            model: {
                contender.name: {
                    "instance": contender.instance(model),
                    "median_seconds": _seconds(runs[contender.name]),
                    "states_per_second": _rate(runs[contender.name]),
                    "runs": [asdict(f) for f in runs[contender.name]],
                }
                for contender in entrants
                if runs.get(contender.name)
            }
            for model, runs in everything.items()
        },
    }


if __name__ == "__main__":
    main()
