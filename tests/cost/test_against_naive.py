"""The compiled direct-map simulator counts what the naive one counts, and nothing gets lost."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from naive import Naive

from pagefault.cost.directmap import load_core
from pagefault.cost.machine import COUNTERS, INTERFACES, Load, Size, worn

FLUSHES = [
    {},
    {"batch": 4},
    {"batch": 40},
    {"defer": 100},
    {"never": True},
]


FAULTS = dict.fromkeys(INTERFACES, 4000) | {"collapse": 800}
"""The naive simulator looks at each page of a GiB before it joins its entries."""
SEEDS = range(6)


@pytest.fixture(scope="module")
def core():
    return load_core()


def compiled(core, seed, interface, flush):
    """A machine and a load, chosen by the seed; the machine when it is through with it."""
    dice = random.Random(f"{seed} {interface}")
    size = Size((4 << 18) + 512 * dice.choice([0, 7]), dice.choice([1, 2, 7]))
    load = Load(
        processes=dice.choice([3, 40]),
        secret=dice.choice([1, 16, 600]),
        used=dice.choice([0.0, 0.5, 0.97, 0.998]),
        lives=dice.choice([2, 1000, 3000]),
        wear=dice.choice([0, 3]),
        churn=dice.choice([0, 1]),
        fresh=dice.random() < 0.5,
        seed=seed,
    )
    machine = worn(size, load, core)
    total = machine.total[0]
    total["interface"] = INTERFACES[interface]
    total["batch_faults"] = flush.get("batch", 1)
    total["defer"], total["never_flush"] = flush.get("defer", 0), flush.get("never", False)
    core.run(machine, FAULTS[interface], load.churn)
    core.settle(machine)
    return machine, size, load


def naively(size, load, interface, flush):
    """The same, by hand."""
    naive = Naive(size.pages, size.cpus, interface, seed=load.seed, **flush)
    naive.start(load.used, load.fresh, load.seed)
    for _ in range(load.wear * load.lives):
        naive.churn(load.lives)
    naive.run(FAULTS[interface], load.processes, load.secret, load.churn, load.lives)
    naive.settle()
    return naive


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("seed", SEEDS)
def test_counts_are_those_of_the_naive_simulator(core, seed, interface):
    flush = FLUSHES[seed % len(FLUSHES)]
    machine, size, load = compiled(core, seed, interface, flush)
    naive = naively(size, load, interface, flush)
    now = machine.now()
    assert {name: now[name] for name in COUNTERS} == {name: naive.count[name] for name in COUNTERS}
    assert {name: now[name] for name in naive.sums()} == naive.sums()
    assert machine.entries() == naive.entries()
    assert machine.block["mt"].tolist() == naive.type
    assert {
        (line % 11, line // 11): int(count) for line, count in enumerate(machine.line["count"])
    } == {key: len(pages) for key, pages in naive.free.items()}


def test_everything_happens_in_these_loads(core):
    """Else the comparison would not show much."""
    seen = Counter()
    for seed in SEEDS:
        for interface in INTERFACES:
            machine, _, _ = compiled(core, seed, interface, FLUSHES[seed % len(FLUSHES)])
            seen.update({name: machine.now()[name] for name in COUNTERS})
            seen.update(Counter(f"blocks of type {mt}" for mt in machine.block["mt"]))
    assert all(seen[name] for name in COUNTERS), seen
    assert all(seen[f"blocks of type {mt}"] for mt in range(4)), seen
