"""What it costs to keep track of kernel pages that processes map: bytes, atomic operations, and the
memory that one pinned page keeps, for allocations of any size.

Counted are the designs of December 2024 about vmalloc and memdescs (docs/vmalloc.md), in three
worlds: struct page of 64 bytes, as it is; of 32, the goal for 2025; of 8, the end of the memdesc
project. `vm_struct` and `vmap_area` have 72 bytes each (BTF of Linux 6.18), and vm_struct->pages
a pointer for each page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["DESIGNS", "SIZES", "WORLDS", "Report", "Row", "Tracking", "report"]

PAGE = 4096
WORLDS = (64, 32, 8)
"""Bytes of struct page."""
SIZES = tuple(1 << shift for shift in range(0, 19, 2))
"""Pages of an allocation: 1 page to 1 GiB."""

VM_STRUCT = 72
VMAP_AREA = 72
POINTER = 8


@dataclass(frozen=True)
class Tracking:
    """How one design keeps track.

    `per_page` bytes for each page where struct page has fewer than `needs` bytes, and so no place
    for its counts; `per_area` bytes for the allocation; what counts: `ptes` operations for each
    PTE, `vmas` for each VMA, `gup` for each page that GUP takes, None where GUP refuses; whether a
    pin keeps the whole allocation.
    """

    name: str
    per_page: int
    needs: int
    per_area: int
    ptes: int
    vmas: int
    gup: int | None
    keeps_all: bool


DESIGNS = (
    Tracking("today", 0, 32, 0, ptes=2, vmas=0, gup=1, keeps_all=False),
    Tracking("option 1: memdesc for each page", 16, 64, 0, ptes=2, vmas=0, gup=1, keeps_all=False),
    Tracking("option 2: PFNs, no tracking", 0, 0, 0, ptes=0, vmas=0, gup=None, keeps_all=False),
    Tracking("option 3: count in vm_struct", 0, 0, 8, ptes=0, vmas=1, gup=1, keeps_all=True),
    Tracking("option 4: object between", 0, 0, 16, ptes=0, vmas=1, gup=1, keeps_all=True),
    Tracking("kmem: refcount, no mapcount", 8, 32, 0, ptes=1, vmas=0, gup=1, keeps_all=False),
)


@dataclass(frozen=True)
class Row:
    """One design, in one world, for an allocation of so many pages."""

    design: str
    struct_page: int
    pages: int
    bytes_per_page: float
    """All that describes the allocation, its share of the memory map included."""
    map_atomics: int
    """Of mmap() of the whole allocation; munmap() of it has as many."""
    pin_atomics: int | None
    """Of a pin of one page, None where it is refused; dropping it has as many."""
    retained: int
    """Bytes that stay when all is unmapped and freed, and one page is still pinned."""


def described(tracking: Tracking, struct_page: int, pages: int) -> int:
    """Bytes that describe an allocation: struct pages, vm_struct's array of them, what is kept for
    each page beside, and the allocation's own records."""
    own = tracking.per_page if struct_page < tracking.needs else 0
    return pages * (struct_page + POINTER + own) + VM_STRUCT + VMAP_AREA + tracking.per_area


def possible(tracking: Tracking, struct_page: int) -> bool:
    """Whether there is a place for the counts: in struct page, or in an object of its own."""
    return tracking.per_page > 0 or struct_page >= tracking.needs


def row(tracking: Tracking, struct_page: int, pages: int) -> Row:
    """What one design costs for one size."""
    retained = 0
    if tracking.gup is not None:
        retained = pages * PAGE if tracking.keeps_all else PAGE
    return Row(
        tracking.name,
        struct_page,
        pages,
        described(tracking, struct_page, pages) / pages,
        tracking.ptes * pages + tracking.vmas,
        tracking.gup,
        retained,
    )


@dataclass(frozen=True)
class Report:
    """All designs, worlds and sizes."""

    rows: tuple[Row, ...]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        sizes = {"vm_struct": VM_STRUCT, "vmap_area": VMAP_AREA, "pointer": POINTER, "page": PAGE}
        return {"sizes": sizes, "rows": [asdict(one) for one in self.rows]}


def report(sizes: Sequence[int] = SIZES) -> Report:
    """Count them."""
    return Report(
        tuple(
            row(tracking, struct_page, pages)
            for tracking in DESIGNS
            for struct_page in WORLDS
            if possible(tracking, struct_page)
            for pages in sizes
        )
    )
