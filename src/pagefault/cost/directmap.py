"""What exclusive memory does to a machine of any size, under each policy: counts, then times."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pagefault.cost.machine import COUNTERS, INTERFACES, Flush, Load, Machine, Size, build, worn
from pagefault.cost.prices import Prices
from pagefault.errors import PagefaultError

__all__ = ["POLICIES", "Policy", "Report", "Row", "bytes_of", "flush_of", "load_core", "report"]

FILES = [Path(__file__).with_name(name) for name in ("buddy.py", "unmapping.py")]
SLICES = 40
"""So often the state of the direct map is looked at."""

LOOPS = 500
"""Rounds of the process that loops, after a tenth of them to settle."""


class Core(NamedTuple):
    """The compiled functions of the simulator."""

    fill: Callable[..., int]
    place: Callable[..., int]
    wear: Callable[..., int]
    occupy: Callable[..., int]
    run: Callable[..., int]
    loop: Callable[..., int]
    settle: Callable[..., int]


@cache
def load_core() -> Core:
    """Load them; the first time they are compiled, which takes half a minute."""
    from pagefault import jit

    machine = build(Size(1 << 18, 2), Load(processes=1))
    some = np.zeros(1, np.int64)

    def load(name: str, *rest: Any) -> Callable[..., int]:
        return jit.compile_core(FILES, name, (machine, *rest))

    return Core(
        fill=load("fill", some, 1),
        place=load("place", some, some, 1),
        wear=load("wear", 1),
        occupy=load("occupy", 1, 1),
        run=load("run", 1, 1),
        loop=load("loop", 1, 1),
        settle=load("settle"),
    )


EACH = Flush()


@dataclass(frozen=True)
class Policy:
    """Where exclusive pages come from, and when TLBs are flushed: two axes."""

    interface: str
    flush: Flush = EACH

    def settle_in(self, machine: Machine) -> None:
        """From now on the machine works so."""
        total = machine.total[0]
        total["interface"] = INTERFACES[self.interface]
        total["batch_faults"] = self.flush.batch
        total["defer"] = self.flush.defer
        total["never_flush"] = self.flush.never


POLICIES = (
    *(Policy(interface) for interface in INTERFACES),
    Policy("page", Flush(batch=16)),
    Policy("page", Flush(defer=512)),
    Policy("page", Flush(never=True)),
)
"""What is compared where nobody says what to compare."""


@dataclass(frozen=True)
class Row:
    """One policy: what was counted, and what it takes at these prices. Nanoseconds."""

    policy: Policy
    counts: dict[str, int]
    """Since the start of the load; `tables`, `held` and their like: at its end."""
    lost: dict[str, int]
    """1G and 2M mappings that were there at the start and are no more."""
    grown: tuple[tuple[int, int, int], ...]
    """While it ran: faults, lost 1G mappings, bytes mapped by 4K entries."""
    spent: float
    locked: float
    stolen: float
    looped: dict[str, int]
    """What one process added then that only opens, touches and closes."""

    def loop_takes(self, prices: Prices, cpus: int) -> float:
        """The share of every other CPU's time that this process takes."""
        spent = prices.spent(self.looped, cpus)
        return prices.stolen(self.looped) / spent if spent and cpus > 1 else 0.0

    @property
    def fault(self) -> float:
        """A fault, with its share of the frees, splits and flushes."""
        return self.spent / max(self.counts["faults"], 1)

    def document(self, prices: Prices) -> dict[str, Any]:
        """As JSON has it."""
        share = self.loop_takes(prices, self.counts["cpus"])
        return {
            "interface": self.policy.interface,
            "flush": self.policy.flush.name,
            "counts": self.counts,
            "lost": self.lost,
            "grown": [list(point) for point in self.grown],
            "nanoseconds": {
                "fault": self.fault,
                "spent": self.spent,
                "locked": self.locked,
                "stolen": self.stolen,
            },
            "loop": {"counts": self.looped, "share": share},
        }


@dataclass(frozen=True)
class Report:
    """All policies on one machine."""

    size: Size
    load: Load
    faults: int
    prices: Prices
    rows: tuple[Row, ...]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "machine": {"bytes": self.size.pages << 12, "cpus": self.size.cpus},
            "load": {**asdict(self.load), "faults": self.faults},
            "prices": self.prices.document(),
            "policies": [row.document(self.prices) for row in self.rows],
        }


def report(
    size: Size, load: Load, policies: Sequence[Policy], faults: int, prices: Prices
) -> Report:
    """Simulate each policy from the same starting state."""
    core = load_core()
    start = worn(size, load, core)
    rows = tuple(_row(start.copy(), load, policy, faults, prices, core) for policy in policies)
    return Report(size, load, faults, prices, rows)


def _row(
    machine: Machine, load: Load, policy: Policy, faults: int, prices: Prices, core: Core
) -> Row:
    policy.settle_in(machine)
    whole = machine.entries()
    grown = []
    core.occupy(machine, load.processes, load.guest)
    # Most happens early.
    ends = sorted({round(end) for end in np.geomspace(min(100, faults), faults, SLICES)})
    for begin, end in pairwise((0, *ends)):
        core.run(machine, end - begin, load.churn)
        entries = machine.entries()
        grown.append((machine.now()["faults"], whole["1G"] - entries["1G"], entries["4K"] << 12))
    core.settle(machine)
    counts = counted(machine)
    cpus = counts["cpus"]
    return Row(
        policy,
        counts,
        {
            "1G": counts["splits_1g"] - counts["collapses_1g"],
            "2M": counts["splits_2m"] - counts["collapses_2m"],
        },
        tuple(grown),
        prices.spent(counts, cpus),
        prices.locked(counts, cpus),
        prices.stolen(counts),
        _loop(machine, core),
    )


def counted(machine: Machine) -> dict[str, int]:
    """What a machine has counted so far, and what follows from it."""
    now = machine.now()
    names = ("cpus", "tables", "absent", "held", "pooled", "free", *COUNTERS)
    found = {name: now[name] for name in names}
    found["freed"] = found["faults"] - found["held"]
    flushes = found["range_flushes"] + found["full_flushes"] + found["collapse_flushes"]
    flushes += found["splits_1g"] + found["splits_2m"]
    found["flushes"] = flushes
    found["ipis"] = flushes * (found["cpus"] - 1)
    return found


def _loop(machine: Machine, core: Core) -> dict[str, int]:
    """What one process adds that opens, touches and closes for ever."""
    core.loop(machine, 0, LOOPS // 10)
    before = counted(machine)
    core.loop(machine, 0, LOOPS)
    core.settle(machine)
    after = counted(machine)
    return {name: after[name] - before[name] for name in after}


def flush_of(text: str) -> Flush:
    """`each`, `batch:N`, `defer:N` or `never`."""
    kind, _, number = text.partition(":")
    if kind == "each" and not number:
        return Flush()
    if kind == "never" and not number:
        return Flush(never=True)
    if kind in ("batch", "defer") and number.isdecimal() and 0 < int(number) <= 1 << 20:
        return Flush(batch=int(number)) if kind == "batch" else Flush(defer=int(number))
    raise PagefaultError(
        f"error: no flush is called {text!r}\nhint: each, batch:PAGES, defer:PAGES or never"
    )


UNITS = {"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}


def bytes_of(text: str) -> int:
    """A size such as 64GiB."""
    found = re.fullmatch(r"(\d+) ?(KiB|MiB|GiB|TiB)", text)
    if found is None:
        raise PagefaultError(f"error: {text!r} is no size\nhint: a number and KiB, MiB, GiB or TiB")
    return int(found[1]) << UNITS[found[2]]
