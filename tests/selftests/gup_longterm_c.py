"""The cases of Linux's selftest gup_longterm.c (v6.12): what may be pinned for long.

A long-term pin for writing of a shared file on a disk is refused, as its file system would not
hear of the writes; all else is granted. A fixed buffer of io_uring is a pin for writing by
GUP-fast. Left out: hugetlb.
"""

from __future__ import annotations

from itertools import product

from case import Case
from cow_c import DESIGNS

BEFORE_6_5 = tuple(d for d in DESIGNS if d not in ("mainline", "linux-6.18"))
READ_ONLY = "mprotect(A, r); "


def case(sharing: str, rights: str, speed: str, kind: str) -> Case:
    """One of the file's functions, for one kind of file."""
    refused = (sharing, rights, kind) == ("shared", "rw", "regular")
    gup = "write" if rights == "rw" else "read"
    slow = "" if speed == "fast" else ", slow"
    return Case(
        f"gup_longterm.c test_{sharing}_{rights}_{'fast_' if speed == 'fast' else ''}pin",
        f"A = mmap_file(f, {kind}, {sharing}, rw); A[0] = 1; "
        f"{READ_ONLY if rights == 'ro' else ''}h = pin(A, {gup}, longterm{slow}); r0 = dma_read(h)",
        "P:r0 != EFAULT" if refused else "P:r0 != 1",
        fails=BEFORE_6_5 if refused else (),
        why="commits 8ac268436e6d and a6e79df92e4a (6.5)" if refused else "",
    )


CASES = {
    f"gup_longterm_c+{sharing}-{rights}-{speed}+{kind}": case(sharing, rights, speed, kind)
    for sharing, rights, speed, kind in product(
        ("shared", "private"), ("rw", "ro"), ("slow", "fast"), ("regular", "shmem")
    )
}
