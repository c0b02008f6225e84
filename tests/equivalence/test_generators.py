"""Emitted functions do what the generators do, in every program and design of the catalogue.

For each litmus test and each design that it makes a claim about: random schedules at both grains.
PAGEFAULT_SCHEDULES sets how many.
"""

from __future__ import annotations

import os
import zlib

import pytest
from claims import claims
from original import duel

from pagefault.explore.engine import boot
from pagefault.explore.lower import lower
from pagefault.link import link

SCHEDULES = int(os.environ.get("PAGEFAULT_SCHEDULES", "3"))
CLAIMS = [(entry, claim.design) for entry, claim in claims()]


@pytest.mark.parametrize(("entry", "design"), CLAIMS, ids=[f"{e.name}@{d}" for e, d in CLAIMS])
def test_emitted_functions_do_what_the_generators_do(entry, design):
    kernel = link(design)
    program = lower(entry.program, kernel)
    seed = zlib.crc32(f"{entry.name}@{design}".encode())
    steps = duel(kernel, program, lambda: boot(kernel, program), SCHEDULES, seed=seed)
    assert steps > 0
