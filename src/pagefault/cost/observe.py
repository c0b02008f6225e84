"""Secret pages on a real kernel, held against the simulator that starts from its free lists.

/proc/pagetypeinfo says how many free blocks of each order and type there are, not where. So the
prediction is made for both ends: free blocks as close together as they can be, and anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pagefault.cost import buddy, unmapping
from pagefault.cost.directmap import Policy, load_core
from pagefault.cost.machine import GIB_PAGES, Load, Machine, Size, build
from pagefault.errors import LiveError

__all__ = ["Comparison", "Counts", "Seen", "Zone", "compare", "parse", "predict"]

KIB_OF = {"4K": 4, "2M": 2048, "1G": 1 << 20}
TYPES = {"Unmovable": 0, "Movable": 1, "Reclaimable": 2}
OUR_CPU = 1
OTHER_CPU = 0


@dataclass
class Zone:
    """What /proc says of a zone of memory."""

    name: str
    start: int = 0
    spanned: int = 0
    free: dict[int, list[int]] = field(default_factory=dict)
    """By type: how many free blocks of each order."""
    blocks: dict[int, int] = field(default_factory=dict)
    """By type: how many pageblocks."""
    listed: int = 0
    """Pages that our CPU keeps on its own lists: of them /proc says no more."""
    pcp: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """Counters at a moment."""

    entries: dict[str, int]
    splits: dict[str, int]
    interrupts: int
    """Function calls and TLB flushes of the other CPU."""


@dataclass(frozen=True)
class Seen:
    """One run: before the pages were taken, then, and after they were given back."""

    zone: Zone
    before: Counts
    taken: Counts
    given: Counts
    frames: tuple[int, ...]

    @property
    def in_zone(self) -> int:
        """Pages that came from the zone."""
        end = self.zone.start + self.zone.spanned
        return sum(self.zone.start <= pfn < end for pfn in self.frames)


def parse(text: str) -> Seen:
    """What splits.c printed."""
    parts = dict(re.findall(r"^== (\w+)\n(.*?)(?=^== |\Z)", text, re.MULTILINE | re.DOTALL))
    if "given" not in parts:
        raise LiveError("the program that takes secret pages did not come to its end")
    zone = _zone(parts["zones"], parts["lists"])
    before, taken, given = (_counts(parts[name]) for name in ("before", "taken", "given"))
    return Seen(zone, before, taken, given, tuple(map(int, parts["frames"].split())))


def _counts(text: str) -> Counts:
    entries = dict(re.findall(r"^DirectMap(\w+): +(\d+) kB", text, re.MULTILINE))
    splits = dict(re.findall(r"^direct_map_level(\d)_splits (\d+)", text, re.MULTILINE))
    rows = re.findall(r"^ *(?:TLB|CAL): +((?:\d+ +)+)", text, re.MULTILINE)
    return Counts(
        {name: int(entries.get(name.replace("K", "k"), 0)) // KIB_OF[name] for name in KIB_OF},
        {"2M": int(splits.get("2", 0)), "1G": int(splits.get("3", 0))},
        sum(int(row.split()[OTHER_CPU]) for row in rows),
    )


def _zone(zones: str, lists: str) -> Zone:
    """The last zone that has memory for kernel and users alike: where such pages are looked for."""
    found: dict[str, Zone] = {}
    row = r"^Node +0, zone +(\w+), type +(\w+) +([\d >]+)$"
    for name, kind, numbers in re.findall(row, lists, re.MULTILINE):
        zone = found.setdefault(name, Zone(name))
        if kind in TYPES:
            zone.free[TYPES[kind]] = [int(n) for n in numbers.replace(">", "").split()]
    row = r"^Node 0, zone +(\w+) +(\d[\d ]+)$"
    for name, numbers in re.findall(row, lists.partition("Number of blocks")[2], re.MULTILINE):
        found[name].blocks = {mt: int(n) for mt, n in enumerate(numbers.split()[:3])}
    for text in re.split(r"^(?=Node )", zones, flags=re.MULTILINE):
        head = re.match(r"Node 0, zone +(\w+)", text)
        if head and head[1] in found:
            _limits(found[head[1]], text)
    usable = [found[name] for name in ("DMA32", "Normal") if name in found]
    usable = [zone for zone in usable if zone.spanned and any(map(any, zone.free.values()))]
    if not usable:
        raise LiveError("/proc/pagetypeinfo tells nothing of free memory here")
    return usable[-1]


def _limits(zone: Zone, text: str) -> None:
    def first(name: str, within: str) -> int:
        value = re.search(rf"\b{name}:? +(\d+)", within)
        return int(value[1]) if value else 0

    zone.start, zone.spanned = first("start_pfn", text), first("spanned", text)
    ours = text.partition(f"cpu: {OUR_CPU}")[2]
    zone.listed = first("count", ours)
    high = first("high", ours)
    zone.pcp = {
        "batch": first("batch", ours),
        "high": high,
        "high_min": first("high_min", ours) or high,
        "high_max": first("high_max", ours) or high,
    }


# --- the prediction ------------------------------------------------------------------------------


class _Places:
    """Where free blocks lie, if nobody says: chosen by a seed."""

    def __init__(self, zone: Zone, first: int, apart: bool, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.apart = apart
        self.pfns: list[int] = []
        self.orders: list[int] = []
        self.types: dict[int, int] = {}
        begin = first + (zone.start & 1023 != 0) * 2 & ~1
        self.pairs = [
            int(block)
            for block in self.rng.permutation(np.arange(begin, first + zone.spanned // 512 - 1, 2))
        ]
        whole = self._large(zone)
        rest = sorted({*whole, *(b + i for b in self.pairs for i in (0, 1))})
        if apart:
            rest = [int(block) for block in self.rng.permutation(rest)]
        for mt in (buddy.UNMOVABLE, buddy.RECLAIMABLE, buddy.MOVABLE):
            orders = zone.free.get(mt, [0] * buddy.ORDERS)
            left = zone.blocks.get(mt, 0) - 2 * orders[10] - orders[9]
            mine = [rest.pop() for _ in range(min(max(left, int(any(orders[:9]))), len(rest)))]
            self.types.update(dict.fromkeys(mine, mt))
            self._small(mine, orders[:9])

    def _add(self, pfn: int, order: int) -> None:
        self.pfns.append(pfn)
        self.orders.append(order)

    def _large(self, zone: Zone) -> list[int]:
        """Blocks of order 10 and 9; returns the neighbours of the latter."""
        neighbours = []
        for mt, orders in zone.free.items():
            for order in (10, 9):
                for _ in range(min(orders[order], len(self.pairs))):
                    block = self.pairs.pop()
                    self.types[block] = mt
                    self._add(block << 9, order)
                    if order == 10:
                        self.types[block + 1] = mt
                    else:
                        neighbours.append(block + 1)
        return neighbours

    def _small(self, blocks: Sequence[int], numbers: Sequence[int]) -> None:
        """Smaller ones, the largest first: one behind the other, or anywhere."""
        wanted = [o for o in range(8, -1, -1) for _ in range(numbers[o])]
        if not blocks:
            return
        if self.apart:
            used = {block: np.zeros(512, bool) for block in blocks}
            for order in wanted:
                self._anywhere(blocks, used, order)
            return
        cursor, last = 0, (-1, -1)
        for order in wanted:
            if (cursor ^ (1 << order), order) == last:
                cursor += 1 << order  # two free buddies would be one block
            if cursor + (1 << order) > 512 * len(blocks):
                return
            self._add((blocks[cursor >> 9] << 9) + (cursor & 511), order)
            last = (cursor, order)
            cursor += 1 << order

    def _anywhere(
        self, blocks: Sequence[int], used: dict[int, np.ndarray[Any, Any]], order: int
    ) -> None:
        size = 1 << order
        for _ in range(100):
            block = blocks[int(self.rng.integers(len(blocks)))]
            at = int(self.rng.integers(512 >> order)) << order
            pair = at & ~(2 * size - 1)
            # The whole pair is kept, so that no free buddy comes to lie beside it.
            if not used[block][pair : pair + 2 * size].any():
                used[block][pair : pair + 2 * size] = True
                self._add((block << 9) + at, order)
                return


def predict(seen: Seen, apart: bool, seed: int) -> dict[str, int]:
    """Splits, if as many pages are taken from such a zone."""
    zone = seen.zone
    base = zone.start & ~(GIB_PAGES - 1)
    pages = (zone.start + zone.spanned - base) & ~511
    machine = build(Size(pages, 2), Load(processes=1, secret=1, lives=2))
    places = _Places(zone, (zone.start - base) >> 9, apart, seed)
    _set_entries(machine, seen.before, seed)
    for block, mt in places.types.items():
        machine.block["mt"][block] = mt
    core = load_core()
    pfns = np.array(places.pfns, dtype=np.int64)
    core.place(machine, pfns, np.array(places.orders, dtype=np.int64), len(pfns))
    movable = machine.block["mt"] == buddy.MOVABLE
    machine.block["movable"] = np.where(movable, 512 - machine.block["free"], 0)
    total = machine.total[0]
    most = int(total["high_max"])
    if zone.pcp.get("batch"):
        total["batch"] = zone.pcp["batch"]
        total["high_max"] = min(zone.pcp["high_max"], most)
        total["high_min"] = min(zone.pcp["high_min"], most)
        machine.cpu["high"] = min(zone.pcp["high"], most)
    Policy("page").settle_in(machine)
    core.occupy(machine, 0, len(seen.frames))
    return {"2M": int(total["splits_2m"]), "1G": int(total["splits_1g"])}


def _set_entries(machine: Machine, before: Counts, seed: int) -> None:
    """As many 1G entries as there are, the zone's or others; which ones is not said."""
    gibs = len(machine.gib)
    everywhere = sum(before.entries[name] * KIB_OF[name] for name in KIB_OF) >> 20
    whole = np.random.default_rng(seed).permutation(max(everywhere, gibs))[: before.entries["1G"]]
    machine.gib["is_split"] = 1
    machine.gib["is_split"][whole[whole < gibs]] = 0
    machine.gib["torn"] = 0
    machine.block["entry"] = unmapping.LARGE
    machine.total[0]["tables"] = 0


# --- side by side --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """What was seen, and what was predicted."""

    name: str
    seen: Seen
    close: tuple[dict[str, int], ...]
    """By seed, with free blocks close together."""
    apart: tuple[dict[str, int], ...]

    @property
    def splits(self) -> dict[str, int]:
        """Entries that were split."""
        before, taken = self.seen.before.splits, self.seen.taken.splits
        return {name: taken[name] - before[name] for name in before}

    @property
    def interrupts(self) -> int:
        """Of the other CPU while the pages were taken."""
        return self.seen.taken.interrupts - self.seen.before.interrupts

    @property
    def touched(self) -> dict[str, int]:
        """Different 2M and 1G ranges that the pages came from."""
        frames = self.seen.frames
        return {"2M": len({pfn >> 9 for pfn in frames}), "1G": len({pfn >> 18 for pfn in frames})}

    def bounds(self, name: str) -> tuple[int, int]:
        """The fewest and the most splits that were predicted."""
        found = [splits[name] for splits in (*self.close, *self.apart)]
        return min(found), max(found)

    @property
    def adds_up(self) -> bool:
        """DirectMap4k, 2M and 1G moved as the splits say, and stayed when the pages came back."""
        before, taken, given = (
            counts.entries for counts in (self.seen.before, self.seen.taken, self.seen.given)
        )
        splits = self.splits
        moved = {
            "4K": 512 * splits["2M"],
            "2M": 512 * splits["1G"] - splits["2M"],
            "1G": -splits["1G"],
        }
        return taken == given and all(taken[n] - before[n] == moved[n] for n in moved)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        seen = self.seen
        return {
            "name": self.name,
            "pages": len(seen.frames),
            "zone": seen.zone.name,
            "pages_of_zone": seen.in_zone,
            "on_cpu_list": seen.zone.listed,
            "splits": self.splits,
            "touched": self.touched,
            "predicted": {
                name: {
                    "close": [s[name] for s in self.close],
                    "apart": [s[name] for s in self.apart],
                }
                for name in self.splits
            },
            "interrupts": self.interrupts,
            "interrupts_predicted": len(seen.frames) + sum(self.splits.values()),
            "interrupts_of_free": seen.given.interrupts - seen.taken.interrupts,
            "adds_up": self.adds_up,
        }


def compare(name: str, text: str, seeds: int) -> Comparison:
    """What was printed, beside predictions by so many seeds."""
    seen = parse(text)
    close, apart = (
        tuple(predict(seen, apart, seed) for seed in range(1, seeds + 1)) for apart in (False, True)
    )
    return Comparison(name, seen, close, apart)
