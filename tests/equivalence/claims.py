"""Which claims of the catalogue are compared: all that are about mainline, and a part of the rest,
the same in each run. PAGEFAULT_EVERY_DESIGN compares all."""

from __future__ import annotations

import os
import zlib

from pagefault.lang import Entry, Expectation, catalogue

EVERY = 1 if "PAGEFAULT_EVERY_DESIGN" in os.environ else 30


def claims() -> list[tuple[Entry, Expectation]]:
    """Tests with a claim about them each."""
    return [
        (entry, claim)
        for entry in catalogue()
        for claim in entry.program.header.expect
        if claim.design == "mainline" or _is_drawn(f"{entry.name}@{claim.design}")
    ]


def _is_drawn(name: str) -> bool:
    return zlib.crc32(name.encode()) % EVERY == 0
