"""The cases of Linux's selftest soft-dirty.c (v6.12): what was written since the last clear.

Where the selftest goes round ten thousand times, twice does for the model.
"""

from __future__ import annotations

from case import Case
from cow_c import DESIGNS

BEFORE_6_0 = tuple(d for d in DESIGNS if d not in ("linux-6.1", "mainline", "linux-6.18"))
SELDOM_FLUSHES = ("linux-5.7", "linux-5.8", "linux-5.9-rc4", "linux-5.9")
ROUND = (
    "clear_refs(); r{0} = pagemap(A, soft_dirty); clear_refs(); A[0] = 2; "
    "r{1} = pagemap(A, soft_dirty)"
)
TWICE = f"{ROUND.format(0, 1)}; {ROUND.format(2, 3)}"
TWICE_FAILED = "P:r0 != 0 \\/ P:r1 != 1 \\/ P:r2 != 0 \\/ P:r3 != 1"
LOOK = "r{} = pagemap(A, soft_dirty)"


def mprotect(made: str, fails: tuple[str, ...] = (), why: str = "") -> Case:
    """Rights that go and come back are no write."""
    steps = ("A[0] = 1", "clear_refs()", "mprotect(A, r)", "mprotect(A, rw)", "A[0] = 2")
    looks = [f"{step}; {LOOK.format(n)}" for n, step in enumerate(steps)]
    wanted = (1, 0, 0, 0, 1)
    return Case(
        "soft-dirty.c test_mprotect",
        f"A = {made}; " + "; ".join(looks),
        " \\/ ".join(f"P:r{n} != {bit}" for n, bit in enumerate(wanted)),
        fails,
        why,
    )


CASES = {
    "soft_dirty_c+simple": Case(
        "soft-dirty.c test_simple",
        f"A = mmap(anon, private, rw); {TWICE}",
        TWICE_FAILED,
        fails=SELDOM_FLUSHES,
        why="a write by the old TLB entry (Will Deacon, November 2020; fixed in 5.12)",
    ),
    "soft_dirty_c+vma-reuse": Case(
        "soft-dirty.c test_vma_reuse",
        f"A = mmap(anon, private, rw); {LOOK.format(0)}; clear_refs(); munmap(A); "
        f"mmap(A, anon, private, rw); {LOOK.format(1)}",
        "P:r0 != 1 \\/ P:r1 != 1",
    ),
    "soft_dirty_c+hugepage": Case(
        "soft-dirty.c test_hugepage",
        "A, B, C, D = mmap(anon, private, rw); madvise(A..D, hugepage); A[0] = 1; "
        f"r4 = kpageflags(A, thp); {TWICE}; r5 = kpageflags(A, thp)",
        TWICE_FAILED + " \\/ P:r4 != 1 \\/ P:r5 != 1",
    ),
    "soft_dirty_c+mprotect-anon": mprotect("mmap(anon, private, rw)"),
    "soft_dirty_c+mprotect-file": mprotect(
        "mmap_file(f, regular, shared, rw)",
        fails=BEFORE_6_0,
        why="commit 76aefad628aa (6.0); run on Linux 5.10 and 6.1",
    ),
}
