"""How many schedules a second the running kernel is driven through: `python -m benchmarks.live`.

The program is programs/fork-store-load.litmus: fork, store in both, load in both; each schedule has
processes of its own. Prints a line for each way, medians over some rounds; `--json` has all rounds.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import click

from pagefault.lang import load
from pagefault.lang.schedule import schedules
from pagefault.live import Host, c_program
from pagefault.live.compiler import build

PROGRAM = Path(__file__).parent / "programs" / "fork-store-load.litmus"
SCHEDULES = 12_000
ITERATIONS = 12_000
PATIENCE_S = 600


def forced(drivers: int) -> Callable[[], float]:
    """Forced schedules a second, the start of the binary included; `drivers` on a CPU each."""
    program = load(PROGRAM)
    binary = build(c_program(program))
    chosen = [",".join(moves) for moves in schedules(program)]
    lines = [f"0 {moves}" for moves in chosen * (SCHEDULES // len(chosen))]

    def run() -> float:
        start = time.perf_counter()
        said = list(Host(drivers).run(binary, lines, PATIENCE_S))
        seconds = time.perf_counter() - start
        done = sum(" done " in line for line in said)
        if done != len(lines):
            raise SystemExit(f"{len(lines) - done} of {len(lines)} schedules were not done")
        return done / seconds

    return run


def free() -> Callable[[], float]:
    """Runs a second with both processes at once, delays and a change of CPUs included."""
    binary = build(c_program(load(PROGRAM)))

    def run() -> float:
        start = time.perf_counter()
        list(Host().run(binary, [f"0 --stress {ITERATIONS}"], PATIENCE_S))
        return ITERATIONS / (time.perf_counter() - start)

    return run


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print every round.")
def main(rounds: int, as_json: bool) -> None:
    """Time the ways in turn, round after round: a busy machine is busy for all of them."""
    ways = {
        "forced schedules/s, one driver": forced(1),
        "forced schedules/s, two drivers": forced(2),
        "stress iterations/s": free(),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            rates[way].append(run())
    if as_json:
        machine = {"cpu": platform.machine(), "kernel": platform.release()}
        click.echo(json.dumps({"machine": machine, "rates": rates}, indent=2))
        return
    for way, found in rates.items():
        click.echo(f"{way:34} {statistics.median(found):>8.0f}")


if __name__ == "__main__":
    main()
