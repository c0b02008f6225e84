"""The report of the descriptors of kernel pages as text."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault.cost.directmap_text import size_text
from pagefault.cost.memdesc import PAGE, WORLDS, Report, Row

__all__ = ["memdesc_text"]

HEAD = ("design", "size", *(f"page {world}" for world in WORLDS), "map", "pin", "a pin keeps")


def memdesc_text(report: Report) -> str:
    """A row for each design and size, and what the columns mean."""
    rows = [HEAD, *_table(report)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = []
    for row in rows:
        right = "  ".join(f"{cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))
        lines.append(f"{row[0]:<{widths[0]}}  {right}")
    return "\n".join((*lines, "", *_notes()))


def _table(report: Report) -> Iterator[tuple[str, ...]]:
    found: dict[tuple[str, int], dict[int, Row]] = {}
    for row in report.rows:
        found.setdefault((row.design, row.pages), {})[row.struct_page] = row
    for (design, pages), by_world in found.items():
        any_row = next(iter(by_world.values()))
        worlds = (by_world.get(world) for world in WORLDS)
        yield (
            design,
            size_text(pages * PAGE),
            *("-" if row is None else f"{row.bytes_per_page:.1f}" for row in worlds),
            str(any_row.map_atomics),
            "refused" if any_row.pin_atomics is None else str(any_row.pin_atomics),
            size_text(any_row.retained) if any_row.retained else "-",
        )


def _notes() -> Iterator[str]:
    yield "page N: bytes that describe each page, where struct page has N bytes. map: atomic"
    yield "operations of an mmap() of the whole; munmap() has as many, so has fork(). pin: of one"
    yield "page. a pin keeps: what stays when all is unmapped and freed but for one pinned page."
