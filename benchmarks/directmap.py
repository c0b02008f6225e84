"""The direct-map simulator against a naive one: `python -m benchmarks.directmap`.

Both run the same load on 4 GiB and must count the same; then the compiled one runs alone on 1 TiB
with 256 CPUs, a million exclusive faults for each interface. What is compiled is compiled before.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import click

from pagefault.cost.directmap import Core, Policy, load_core
from pagefault.cost.machine import COUNTERS, INTERFACES, Load, Size, worn

NAIVE = Path(__file__).parents[1] / "tests" / "cost"
SMALL = Size(4 << 18, 4)
SMALL_LOAD = Load(processes=100, lives=20_000)
SMALL_FAULTS = 50_000
LARGE = Size(1 << 28, 256)
LARGE_FAULTS = 1_000_000


def compiled(core: Core, size: Size, load: Load, interface: str, faults: int) -> Any:
    """Seconds of the start, of the load, and the counts."""
    begin = time.perf_counter()
    machine = worn(size, load, core)
    Policy(interface).settle_in(machine)
    middle = time.perf_counter()
    core.run(machine, faults, load.churn)
    end = time.perf_counter()
    now = machine.now()
    return middle - begin, end - middle, {name: now[name] for name in COUNTERS}


def naive(size: Size, load: Load, interface: str, faults: int) -> Any:
    """The same of tests/cost/naive.py."""
    sys.path.insert(0, str(NAIVE))
    begin = time.perf_counter()
    machine = importlib.import_module("naive").Naive(size.pages, size.cpus, interface)
    machine.start(load.used, load.fresh, load.seed)
    for _ in range(load.wear * load.lives):
        machine.churn(load.lives)
    middle = time.perf_counter()
    machine.run(faults, load.processes, load.secret, load.churn, load.lives)
    end = time.perf_counter()
    return middle - begin, end - middle, {name: machine.count[name] for name in COUNTERS}


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each is run.")
@click.option("--json", "as_json", is_flag=True, help="All runs, as JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Seconds of each, and whether they count the same."""
    core = load_core()
    runs: dict[str, list[tuple[float, float]]] = {}
    ok = True
    for _ in range(rounds):
        pair = (
            naive(SMALL, SMALL_LOAD, "page", SMALL_FAULTS),
            compiled(core, SMALL, SMALL_LOAD, "page", SMALL_FAULTS),
        )
        ok &= pair[0][2] == pair[1][2]
        for name, found in zip(("naive, 4 GiB", "pagefault, 4 GiB"), pair, strict=True):
            runs.setdefault(name, []).append(found[:2])
        for interface in INTERFACES:
            found = compiled(core, LARGE, Load(), interface, LARGE_FAULTS)
            runs.setdefault(f"pagefault, 1 TiB, {interface}", []).append(found[:2])
    if as_json:
        click.echo(json.dumps({"same_counts": ok, "seconds": runs}, indent=1))
    else:
        click.echo(f"{'':32} {'start s':>9} {'load s':>9} {'us/fault':>9}")
        for name, times in runs.items():
            start, load = (statistics.median(column) for column in zip(*times, strict=True))
            faults = SMALL_FAULTS if "4 GiB" in name else LARGE_FAULTS
            click.echo(f"{name:32} {start:>9.2f} {load:>9.2f} {load / faults * 1e6:>9.2f}")
        click.echo("the counts are the same" if ok else "the counts differ")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
