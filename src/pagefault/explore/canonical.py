"""One numbering of the folios for all states that differ in nothing but the numbering.

The kernel hands out any free frame, so states come in families that are the same but for the names
of the folios. `Canonical` renames the order-0 frames of a state in order of first mention along a
fixed traversal: the leaves that hold a pfn or a PTE, then the registers of the calls under way,
then what the records of the frames found so far mention. Frames that nothing mentions come last,
ordered by what their records hold. Frame 0 is the zero page and keeps its name; so do the frames
of larger folios, whose position means something.

The renaming is one-to-one, so it never merges states that differ otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from pagefault.consts import NR_PFN, PAGE_TABLE, PFN_SHIFT, PTE_HAS_PFN
from pagefault.explore.engine import TASKS
from pagefault.layout import LEAF_INDEX, LEAVES, PFN_INDEXED

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = ["Canonical", "Naming", "compose", "invert"]

Naming = tuple[int, ...]
"""A renaming of the frames: frame `p` is called `naming[p]` from now on."""

_LOW = (1 << PFN_SHIFT) - 1


def _records() -> list[list[int]]:
    """For each pfn the list positions of all its records, in the same order for each."""
    return [
        [i for i, leaf in enumerate(LEAVES) if leaf.path.startswith(prefixes)]
        for prefixes in (tuple(f"{a}[{p}]." for a in PFN_INDEXED) for p in range(NR_PFN))
    ]


RECORDS = _records()
_IN_RECORD = {i for record in RECORDS for i in record}
_ORDER = [LEAF_INDEX[f"folio[{p}].order"] for p in range(NR_PFN)]
_KIND = {i: leaf.kind for i, leaf in enumerate(LEAVES) if leaf.kind}
ROOTS = [i for i in _KIND if i not in _IN_RECORD]
"""The list positions outside the frames' own records that may name a frame."""
_ROOT_IS_PTE = tuple(_KIND[i] == "pte" for i in ROOTS)
_get_roots = itemgetter(*ROOTS)
_get_orders = itemgetter(*_ORDER)
_get_record = [itemgetter(*record) for record in RECORDS]
_INNER = [[i for i in record if i in _KIND] for record in RECORDS]


def pte_names(value: int) -> int:
    """The pfn in a packed PTE or PMD, 0 if it names none."""
    if value & PTE_HAS_PFN and not value & PAGE_TABLE:
        return value >> PFN_SHIFT
    return 0


_ORDER_0 = list(range(1, NR_PFN))


def _small(leaves: Sequence[int]) -> list[int]:
    """The frames that are no part of a larger folio, where there is one."""
    large = {
        q
        for p in range(NR_PFN)
        if leaves[_ORDER[p]]
        for q in range(p, p + (1 << leaves[_ORDER[p]]))
    }
    return [p for p in _ORDER_0 if p not in large]


class Canonical:
    """Renames the frames of states of one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        # Per path the (register, is a PTE) pairs that hold frames.
        self._registers: tuple[tuple[tuple[int, bool], ...], ...] = tuple(
            ()
            if path is None
            else tuple((r, kind == "pte") for r, kind in enumerate(path.kinds) if kind)
            for path in kernel.paths
        )

    def mentioned(self, leaves: Sequence[int]) -> list[int]:
        """The pfns that a state names outside the frames' records, in order, with repetitions."""
        found = [
            pte_names(value) if is_pte else value
            for value, is_pte in zip(_get_roots(leaves), _ROOT_IS_PTE, strict=True)
            if value
        ]
        found += [
            pte_names(leaves[i]) if is_pte else leaves[i]
            for i, is_pte in self._live_registers(leaves)
            if leaves[i]
        ]
        return found

    def _live_registers(self, leaves: Sequence[int]) -> Iterator[tuple[int, bool]]:
        for slots in TASKS:
            for d in range(leaves[slots.depth]):
                at = slots.frame_reg[d]
                for r, is_pte in self._registers[leaves[slots.path[d]]]:
                    yield at + r, is_pte

    def naming(self, leaves: Sequence[int]) -> Naming | None:
        """The renaming that makes a state canonical, None if it is."""
        free_names = _ORDER_0 if not any(_get_orders(leaves)) else _small(leaves)
        movable = set(free_names)
        found = dict.fromkeys(p for p in self.mentioned(leaves) if p in movable)
        to_scan = list(found)
        for p in to_scan:  # grows meanwhile
            for i in _INNER[p]:
                value = leaves[i]
                q = pte_names(value) if _KIND[i] == "pte" else value
                if q in movable and q not in found:
                    found[q] = None
                    to_scan.append(q)
        rest = [p for p in free_names if p not in found]
        rest.sort(key=lambda p: _get_record[p](leaves), reverse=True)
        order = [*found, *rest]
        if order == free_names:
            return None
        names = list(range(NR_PFN))
        for name, p in zip(free_names, order, strict=True):
            names[p] = name
        return tuple(names)

    def rename(self, leaves: list[int], names: Naming) -> None:
        """Rename the frames of a state in place: everything that names one, and their records."""
        for i in ROOTS:
            if leaves[i]:
                leaves[i] = _renamed(leaves[i], _KIND[i], names)
        for i, is_pte in self._live_registers(leaves):
            if leaves[i]:
                leaves[i] = _renamed(leaves[i], "pte" if is_pte else "pfn", names)
        old = [[leaves[i] for i in record] for record in RECORDS]
        for p, name in enumerate(names):
            if name != p:
                for i, value in zip(RECORDS[name], old[p], strict=True):
                    leaves[i] = value
        for inner in _INNER:
            for i in inner:
                if leaves[i]:
                    leaves[i] = _renamed(leaves[i], _KIND[i], names)

    def apply(self, leaves: list[int]) -> Naming | None:
        """Make a state canonical in place. Returns the renaming, None if nothing changed."""
        names = self.naming(leaves)
        if names is not None:
            self.rename(leaves, names)
        return names


def _renamed(value: int, kind: str, names: Naming) -> int:
    if kind == "pte":
        p = pte_names(value)
        return (names[p] << PFN_SHIFT) | (value & _LOW) if 0 < p < NR_PFN else value
    return names[value] if 0 < value < NR_PFN else value


def compose(first: Naming, then: Naming) -> Naming:
    """One renaming after another."""
    return tuple(then[p] for p in first)


def invert(names: Naming) -> Naming:
    """The renaming that undoes `names`."""
    back = [0] * len(names)
    for p, name in enumerate(names):
        back[name] = p
    return tuple(back)
