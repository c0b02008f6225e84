"""Where kernel or hardware may do one thing or another, a test of the catalogue sees both.

Each choice is taken away from a design under which a test's answer hangs on it: then the answer is
another. Without the choice Always and Never would be lies.
"""

from __future__ import annotations

import pytest

from pagefault.explore.search import explore
from pagefault.lang import select
from pagefault.link import link

EVICTED_WHEN_FLUSHED = '''"""A TLB keeps an entry until it is flushed."""

from pagefault.hw.cpu import entry_permits, tlb_drop, tlb_fill
from pagefault.hw.pgtable import pte_present, pte_write, ptep_get

PARTS = ["clear-refs-seldom-flushes"]


def translate(st, t, vpn, write):
    cpu = st.task[t].cpu
    entry = st.cpu[cpu].tlb[vpn]
    if entry_permits(entry, write):
        return entry
    pte = ptep_get(st, st.task[t].mm, vpn)
    if not pte_present(pte) or (write and not pte_write(pte)):
        tlb_drop(st, cpu, vpn)
        return 0
    tlb_fill(st, cpu, vpn, pte)
    return pte
'''
NEW_FRAMES_ONLY = '''"""A frame that somebody still names is not handed out."""

from pagefault.mm.page_alloc import frames_dangle

PARTS = ["pbuf-ring-maps-pfns"]


def rmqueue(st, nr):
    new_pfn = 0
    for pfn in range(nr, st.nr_pfns - nr + 1, nr):
        if new_pfn == 0 and frames_dangle(st, pfn, nr) == 0:
            new_pfn = pfn
    return new_pfn
'''
ALL_ARE_VICTIMS = '''"""Reclaim comes by everything twice."""


def reclaim_comes_again(st):
    return 1
'''
OTHERS_HAVE_ALL_LOCKED = '''"""Who only tries for the lock of a folio never gets it."""

from pagefault.mm.page_alloc import folio_test_anon


def others_have_locked(st, pfn):
    return folio_test_anon(st, pfn)
'''
CHOICES = {
    "TLB eviction": (
        *("clear-refs-seldom-flushes", EVICTED_WHEN_FLUSHED),
        *("track+clear-store", "Sometimes", "Never"),
    ),
    "frame reuse": (
        *("pbuf-ring-maps-pfns", NEW_FRAMES_ONLY),
        *("vmalloc+ring-free-load+store", "Sometimes", "Never"),
    ),
    "victim of reclaim": (
        *("mainline", ALL_ARE_VICTIMS),
        *("droppable+store-reclaim-load", "Sometimes", "Always"),
    ),
    "trylock": (
        *("others-lock-folios", OTHERS_HAVE_ALL_LOCKED),
        *("thp+mlock-munmap-part-reclaim-kpageflags", "Sometimes", "Never"),
    ),
}


@pytest.mark.parametrize("grain", ["op", "step"])
@pytest.mark.parametrize("choice", CHOICES)
def test_the_answer_hangs_on_the_choice(choice, grain, tmp_path):
    design, without, test, verdict, verdict_without = CHOICES[choice]
    file = tmp_path / "without.py"
    file.write_text(without)
    program = select([test])[0].program
    assert explore(link(design), program, grain).verdict.value == verdict
    assert explore(link(file), program, grain).verdict.value == verdict_without
