"""The machine of the direct-map simulator: its arrays, its starting states, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pagefault.cost import buddy, unmapping
from pagefault.errors import PagefaultError

__all__ = ["INTERFACES", "Flush", "Load", "Machine", "Size", "build", "interface_of", "worn"]

Array = npt.NDArray[Any]

INTERFACES = {
    "page": unmapping.PAGE,
    "file-pool": unmapping.FILE_POOL,
    "global-pool": unmapping.GLOBAL_POOL,
    "migrate-type": unmapping.MIGRATE_TYPE,
    "collapse": unmapping.COLLAPSE,
}


def interface_of(name: str) -> str:
    """The name, if it is one."""
    if name not in INTERFACES:
        raise PagefaultError(
            f"error: no interface is called {name!r}\nhint: {', '.join(INTERFACES)}"
        )
    return name


GIB_PAGES = 1 << unmapping.GIB
MOST_CHUNKS = 4_000_000  # so that 32 bits number all nodes
MOST_PCP = 8192

COUNTERS = (
    "faults",
    "failures",
    "closes",
    "changes",
    "splits_1g",
    "splits_2m",
    "collapses_1g",
    "collapses_2m",
    "collapse_flushes",
    "range_flushes",
    "invlpgs",
    "full_flushes",
    "exposed",
    "zeroed",
)
"""What only grows. Sums of what is now: tables, absent, held, pooled, free."""

TOTAL = np.dtype(
    [
        (name, "i8")
        for name in (
            *("pages", "cpus", "processes", "secret", "seed", "mode", "chunks", "spare"),
            *("batch", "high_min", "high_max"),
            *("interface", "batch_faults", "defer", "never_flush", "pending", "unflushed"),
            *("live", "live_pages", "growing"),
            *("tables", "absent", "held", "pooled", "free"),
            *COUNTERS,
        )
    ]
)
BLOCK = np.dtype(
    [
        ("table", "i8"),  # the page of its 4K entries, -1 if it is not ours
        ("chunk", "i4"),
        ("small", "i2"),  # free blocks smaller than it
        ("free", "i2"),
        ("movable", "i2"),
        ("absent", "i2"),
        ("mt", "i1"),
        ("entry", "i1"),
    ],
    align=True,
)
GIB = np.dtype([("table", "i8"), ("torn", "i4"), ("is_split", "i4")], align=True)
NODE = np.dtype([("next", "i4"), ("prev", "i4"), ("order", "i4")])
CHUNK = np.dtype([("owner", "i4"), ("spare", "i4")])
LINE = np.dtype([("head", "i4"), ("tail", "i4"), ("count", "i8")])
CPU = np.dtype(
    [
        ("first", "i8", buddy.PCP_TYPES),
        ("length", "i8", buddy.PCP_TYPES),
        *((name, "i8") for name in ("count", "high", "alloc_factor", "free_count")),
    ]
)
PROCESS = np.dtype([("held", "i8"), ("last", "i8")])


class Machine(NamedTuple):
    """All of it, as the compiled functions take it."""

    total: Array
    block: Array
    gib: Array
    node: Array
    chunk: Array
    line: Array
    cpu: Array
    ring: Array
    process: Array
    held: Array
    live: Array

    def now(self) -> dict[str, int]:
        """Every sum and counter by its name."""
        return {name: int(self.total[0][name]) for name in TOTAL.names or ()}

    def entries(self) -> dict[str, int]:
        """How many entries of each size the direct map has, present or not."""
        whole = self.gib["is_split"] == 0
        split = np.repeat(~whole, unmapping.GIB_BLOCKS)[: len(self.block)]
        tables = split & (self.block["entry"] == unmapping.TABLE)
        return {
            "1G": int(whole.sum()),
            "2M": int((split & ~tables).sum()),
            "4K": int(tables.sum()) * buddy.BLOCK_PAGES,
        }

    def copy(self) -> Machine:
        """Another one just like it. Memory that was never touched is not copied."""
        used = len(self.block) + int(self.total[0]["chunks"]) * buddy.BLOCK_PAGES
        node = np.zeros(self.node.shape, NODE)  # zeros_like() would touch it all
        node[:used] = self.node[:used]
        return Machine(*(node if a is self.node else a.copy() for a in self))


@dataclass(frozen=True)
class Size:
    """A machine: pages of memory, CPUs."""

    pages: int
    cpus: int

    def __post_init__(self) -> None:
        if self.pages % buddy.BLOCK_PAGES or self.pages < buddy.BLOCK_PAGES:
            raise PagefaultError(
                f"error: memory of {self.pages * 4} KiB is not a number of 2 MiB blocks\n"
                "hint: say 4GiB, 1TiB or 512MiB"
            )
        if self.pages > 1 << 35:
            raise PagefaultError("error: more than 128 TiB of memory cannot be simulated")


@dataclass(frozen=True)
class Flush:
    """When TLBs forget what left the direct map."""

    batch: int = 1
    """Pages that one call takes before it flushes."""
    defer: int = 0
    """Flush all when so many pages have gone; until then they are given out regardless."""
    never: bool = False

    @property
    def name(self) -> str:
        """As the command line has it."""
        if self.never:
            return "never"
        if self.defer:
            return f"defer:{self.defer}"
        return "each" if self.batch == 1 else f"batch:{self.batch}"


@dataclass(frozen=True)
class Load:
    """Who takes exclusive pages, and what went on before."""

    processes: int = 1000
    secret: int = 16
    """Pages of each secret."""
    used: float = 0.6
    """Share of the memory that is in use before, in whole 2 MiB blocks."""
    lives: int = 300_000
    """So many allocations by others live at once, at most. They tear blocks."""
    wear: int = 7
    """So often for each of these somebody has allocated or freed before."""
    churn: int = 1
    """Events of that kind beside each exclusive fault."""
    guest: int = 0
    """Pages that a guest takes first, and keeps."""
    fresh: bool = False
    """Free memory is in physical order, as after boot; else in any order."""
    seed: int = 1

    def on(self, size: Size) -> Load:
        """The same, on a machine where others have not the memory to allocate so much."""
        fits = round(size.pages * (1 - self.used) / 8)
        return replace(self, lives=max(min(self.lives, fits), 2))


def _batch(pages: int) -> int:
    """zone_batchsize()."""
    batch = max(min(pages >> 10, 256) // 4, 1)
    return (1 << ((batch + batch // 2).bit_length() - 1)) - 1


def build(size: Size, load: Load) -> Machine:
    """A machine with all memory in use, and all of it in the largest entries."""
    blocks = size.pages // buddy.BLOCK_PAGES
    gibs = -(-size.pages // GIB_PAGES)
    chunks = min(blocks, MOST_CHUNKS)
    batch = _batch(size.pages)
    # calculate_totalreserve aside: mm/page_alloc.c zone_highsize(), __setup_per_zone_wmarks()
    least = min(max(isqrt(size.pages * 4 * 16), 128), 262144) // 4
    low = least + max(least // 4, size.pages // 1000)
    high_max = min(max(size.pages // 8 // size.cpus, batch * 4), MOST_PCP)
    high_min = min(max(low // size.cpus, batch * 4), high_max)
    ring = 1 << (high_max + batch * (4 + (1 << buddy.PCP_SCALE))).bit_length()
    try:
        machine = Machine(
            total=np.zeros(1, TOTAL),
            block=np.zeros(blocks, BLOCK),
            gib=np.zeros(gibs, GIB),
            node=np.zeros(blocks + chunks * buddy.BLOCK_PAGES, NODE),
            chunk=np.zeros(chunks, CHUNK),
            line=np.zeros(buddy.TYPES * buddy.ORDERS, LINE),
            cpu=np.zeros(size.cpus, CPU),
            ring=np.zeros((size.cpus, buddy.PCP_TYPES, ring), np.int64),
            process=np.zeros(load.processes + 1, PROCESS),
            held=np.zeros((load.processes + 1, max(load.secret, 1)), np.int64),
            live=np.zeros(max(load.lives, 2), np.int64),
        )
    except MemoryError:
        raise PagefaultError(
            "error: this machine has not the memory to simulate one so large\n"
            "hint: fewer processes, smaller secrets, or less --memory"
        ) from None
    total = machine.total[0]
    total["pages"], total["cpus"] = size.pages, size.cpus
    total["processes"], total["secret"] = load.processes, load.secret
    total["seed"] = load.seed
    total["batch"], total["high_min"], total["high_max"] = batch, high_min, high_max
    total["batch_faults"] = 1
    total["growing"] = 1
    machine.block["table"] = machine.block["chunk"] = -1
    machine.block["mt"] = buddy.MOVABLE
    machine.gib["table"] = -1
    machine.line["head"] = machine.line["tail"] = -1
    _boot_entries(machine, size.pages)
    return machine


def _boot_entries(machine: Machine, pages: int) -> None:
    """The first 2 MiB are mapped by pages, the rest of the first GiB, and a last one that is cut
    off, by 2 MiB."""
    if pages % GIB_PAGES:
        machine.gib["is_split"][-1] = 1
    machine.gib["is_split"][0] = 1
    machine.gib["torn"][0] = 1
    machine.block["entry"][0] = unmapping.TABLE
    machine.total[0]["tables"] = 1 + int(machine.gib["is_split"].sum())


def worn(size: Size, load: Load, core: Any) -> Machine:
    """A machine after boot, and after what others did since."""
    machine = build(size, load)
    blocks = len(machine.block)
    used = round(blocks * load.used)
    if load.fresh:
        chosen = np.arange(blocks - 1, used - 1, -1, dtype=np.int64)
    else:
        chosen = np.random.default_rng(load.seed).permutation(blocks)[used:].astype(np.int64)
    machine.block["movable"] = buddy.BLOCK_PAGES
    machine.block["movable"][chosen] = 0
    core.fill(machine, chosen, len(chosen))
    core.wear(machine, load.wear * load.lives)
    return machine
