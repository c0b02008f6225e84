"""Each property can be broken: a kernel sabotaged on purpose breaks it, and mainline does not.

A property that no kernel can break would be a decoration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from pagefault import lang
from pagefault.explore.promises import promises
from pagefault.explore.search import explore
from pagefault.link import link

ARCHITECTURE = Path(__file__).resolve().parents[2] / "ARCHITECTURE.md"


@dataclass(frozen=True)
class Sabotage:
    """What is done to the kernel, as the text of a design, and a program that suffers from it."""

    design: str
    program: str
    grain: str = "op"


SABOTAGE = {
    "coherent": Sabotage(
        '''"""A write fault always copies, and mprotect() always leaves it to the fault."""

def wp_can_reuse_anon_folio(st, mm, pfn):
    return 0

def can_change_pte_writable(st, mm, vpn, pte):
    return 0
''',
        """process P {
    A = mmap(anon, private, rw)
    h = pin(A, write, longterm)
    mprotect(A, r)
    mprotect(A, rw)
    A[0] = 1
}
""",
    ),
    "counts": Sabotage(
        '''"""unpin keeps the reference."""

def gup_put_folio(st, pfn, gup_flags):
    return 0
''',
        """process P {
    A = mmap(anon, private, rw)
    h = pin(A, write)
    unpin(h)
}
""",
    ),
    "exclusive-if-pinned": Sabotage(
        '''"""A pin for reading takes a shared page as it is."""

def gup_must_unshare(st, gup_flags, pfn):
    return 0
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    fork(C)
    h = pin(A, read)
}
process C {
    r0 = A[0]
}
""",
    ),
    "exclusive-if-writable": Sabotage(
        '''"""A new page is mapped without being marked exclusive."""

def folio_add_new_anon_rmap(st, pfn):
    st.folio[pfn].pg_flags |= PG_ANON | PG_SWAPBACKED
    st.page[pfn].mapcount = 1
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
}
""",
    ),
    "exclusive-once": Sabotage(
        '''"""fork() forgets to clear the exclusive mark."""

def folio_try_dup_anon_rmap_pte(st, mm, pfn):
    st.page[pfn].mapcount += 1
    return 0
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    fork(C)
}
process C {
    r0 = A[0]
}
""",
    ),
    "no-deadlock": Sabotage(
        '''"""mmap_lock stays with its first reader."""

def mmap_read_unlock(st, mm):
    return 0
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    munmap(A)
}
""",
    ),
    "no-lost-write": Sabotage(
        '''"""COW gives a page of zeros instead of a copy."""

def copy_highpage(st, new_pfn, old_pfn):
    clear_highpage(st, new_pfn)
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    fork(C)
    A[1] = 1
    r0 = A[0]
}
process C {
    r0 = A[0]
}
""",
    ),
    "no-stale-tlb": Sabotage(
        '''"""A zap or mprotect() ends without a flush."""

def tlb_flush_mmu_tlbonly(st, t, mm):
    yield "no flush"
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    mprotect(A, none)
}
""",
    ),
    "no-use-after-free": Sabotage(
        '''"""munmap() frees pages that a TLB still names."""

def tlb_flush_mmu_tlbonly(st, t, mm):
    yield "no flush"
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    munmap(A)
    r0 = A[0]
}
""",
    ),
    "private": Sabotage(
        '''"""fork() leaves the parent's PTE writable."""

def ptep_set_wrprotect(st, mm, vpn):
    return 0
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    fork(C)
    A[0] = 2
}
process C {
    r0 = A[0]
}
""",
    ),
    "progress": Sabotage(
        '''"""A write fault on a read-only page does nothing, for ever."""

def do_wp_page(st, t, mm, vpn, orig_pte, fault_flags):
    pte_unmap_unlock(st, mm, vpn)
    yield "nothing was done"
    return 0
''',
        """process P {
    A = mmap(anon, private, rw)
    r0 = A[0]
    A[0] = 1
}
""",
        grain="step",
    ),
    "rmap-after-flush": Sabotage(
        '''"""A page is replaced before other CPUs have flushed it."""

def ptep_clear_flush(st, t, mm, vpn):
    pte = ptep_get_and_clear(st, mm, vpn)
    yield "no flush"
    return pte
''',
        """process P {
    A = mmap(anon, private, rw)
    A[0] = 1
    clone(T)
    fork(C)
    A[0] = 2
}
thread T {
    r0 = A[0]
}
process C {
    r0 = A[0]
}
""",
    ),
}

HEADER = '+++\ntitle = "A program that suffers"\nsource = "none: made for this test"\n+++\n'
QUESTION = "exists (P:signal = SIGSEGV)\n"


def breaches(design: str | Path, sabotage: Sabotage) -> set[str]:
    program = lang.parse(HEADER + sabotage.program + QUESTION, "sabotage.litmus")
    return set(explore(link(design), program, grain=sabotage.grain).breaches)


def test_every_property_has_its_sabotage() -> None:
    assert set(SABOTAGE) == {p.name for p in promises(link())}


def test_the_map_says_each_property_in_its_own_words() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", ARCHITECTURE.read_text(), re.MULTILINE))
    assert rows == {p.name: p.sentence for p in promises(link())}


@pytest.mark.parametrize("name", sorted(SABOTAGE))
def test_sabotage_breaks_the_property(name: str, tmp_path: Path) -> None:
    design = tmp_path / "sabotaged.py"
    design.write_text(SABOTAGE[name].design)
    assert name in breaches(design, SABOTAGE[name])


@pytest.mark.parametrize("name", sorted(SABOTAGE))
def test_mainline_breaks_nothing(name: str) -> None:
    assert breaches("mainline", SABOTAGE[name]) == set()
