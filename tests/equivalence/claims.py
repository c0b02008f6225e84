"""Which claims of the catalogue are compared: half of those about mainline, and a part of the rest,
the same in each run. PAGEFAULT_EVERY_DESIGN compares all."""

from __future__ import annotations

import os
import zlib

from pagefault.lang import Entry, Expectation, catalogue

ALL = "PAGEFAULT_EVERY_DESIGN" in os.environ


def claims() -> list[tuple[Entry, Expectation]]:
    """Tests with a claim about them each."""
    return [
        (entry, claim)
        for entry in catalogue()
        for claim in entry.program.header.expect
        if ALL or _is_drawn(f"{entry.name}@{claim.design}", 2 if claim.design == "mainline" else 30)
    ]


def _is_drawn(name: str, every: int) -> bool:
    return zlib.crc32(name.encode()) % every == 0
