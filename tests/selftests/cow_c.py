"""The cases of Linux's selftest cow.c (tools/testing/selftests/mm/cow.c, v6.12), as programs.

A case is what parent and child do to a page that the parent has filled; a kind is how the page came
to be what it is then. `python tests/selftests/cow_c.py FOLDER` writes all of them as litmus files,
for `pagefault conform FOLDER -k host`: Linux 5.10, 6.1, 6.12, 6.18 and 7.2 agree in all schedules
of those that need no gup_test.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

OLD, NEW = 1, 2

KINDS = {
    "base-page": "",
    "swapped-out": "madvise(A, pageout)",
}
"""What comes after the page was filled with OLD, run_with_base_page() and its like."""
HUGE_KINDS = {
    "pmd-mapped": "",
    "pte-mapped": "mprotect(B, r); mprotect(B, rw)",
    "single-pte": "madvise(B..D, dontneed)",
}
"""The same of a huge page, do_run_with_thp(). Left out: half of it moved away, some of it shared
once before."""

MAPCOUNT = ("linux-5.7",)
BREAKS_COW = ("linux-5.8",)
PAGE_COUNT = ("linux-5.9", "linux-5.10", "linux-5.18")
SWAPIN_BY_MAPCOUNT = (*MAPCOUNT, "linux-5.9-rc4", "linux-5.9", "linux-5.10")
"""Who swaps a page in to write it keeps it if nobody else maps it, until c145e0b47c77 (5.18). On
5.8 a reference for reading has copied the page before."""
HUGE_BY_MAPCOUNT = SWAPIN_BY_MAPCOUNT
"""So do write faults on huge pages, until 3bff7e3f1f16 (5.18)."""
HUGE_BY_PAGE_COUNT = ("linux-5.18",)
EXCLUSIVE = ("linux-5.19", "linux-6.1", "mainline", "linux-6.18")
DESIGNS = (*MAPCOUNT, *BREAKS_COW, "linux-5.9-rc4", *PAGE_COUNT, *EXCLUSIVE)


@dataclass(frozen=True)
class Case:
    """`{kind}` stands where the page is made what it is. `failed` is what must not be at the end;
    `fails` names the designs where it can be, with the page as it is when it was filled."""

    function: str
    parent: str
    child: str
    failed: str
    fails: tuple[str, ...] = ()
    fails_swapped: tuple[str, ...] | None = None
    """Where that differs after swap out and in,"""
    fails_huge: tuple[str, ...] | None = None
    """or while a PMD maps it."""

    def fails_as(self, kind: str) -> tuple[str, ...]:
        if kind == "swapped-out" and self.fails_swapped is not None:
            return self.fails_swapped
        if kind == "pmd-mapped" and self.fails_huge is not None:
            return self.fails_huge
        return self.fails


MPROTECT = "mprotect(A, r); mprotect(A, rw); "
CLEARED = "mprotect(A, r); clear_refs(); mprotect(A, rw); "
STORE = f"A[0] = {NEW}; "
IN_CHILD = "vmsplice(A, p); munmap(A); "
READS = "r0 = A[0]"
SEES_NEW = f"C:r0 = {NEW}"
DEVICE_OLD = f"P:r0 = {OLD}"
FORK_IS_SEEN = "r1 = wait(C); "
"""Of a child that is gone before the parent goes on."""

# Releases that copy a page away from under a pin once it must be written and has other references:
# 09854ba94c6a (5.9) to 6c287605fd56 (5.19).
CASES = {
    "cow-after-fork": Case(
        "test_cow_in_parent", f"{{kind}}; fork(C); {STORE}", f"{READS}", SEES_NEW
    ),
    "cow-after-fork-mprotect": Case(
        "test_cow_in_parent_mprotect",
        f"{{kind}}; fork(C); {MPROTECT}{STORE}",
        f"{READS}",
        SEES_NEW,
    ),
    # CVE-2020-29374.
    "vmsplice-in-child": Case(
        "test_vmsplice_in_child",
        f"{{kind}}; fork(C); {STORE}",
        f"{IN_CHILD}r0 = read(p)",
        SEES_NEW,
        fails=MAPCOUNT,
        fails_swapped=SWAPIN_BY_MAPCOUNT,
        fails_huge=HUGE_BY_MAPCOUNT,
    ),
    "vmsplice-in-child-mprotect": Case(
        "test_vmsplice_in_child_mprotect",
        f"{{kind}}; fork(C); {MPROTECT}{STORE}",
        f"{IN_CHILD}r0 = read(p)",
        SEES_NEW,
        fails=MAPCOUNT,
        fails_swapped=SWAPIN_BY_MAPCOUNT,
        fails_huge=HUGE_BY_MAPCOUNT,
    ),
    "vmsplice-before-fork": Case(
        "test_vmsplice_before_fork",
        "{kind}; vmsplice(A, p); fork(C); munmap(A); r0 = read(p)",
        STORE,
        f"P:r0 = {NEW}",
        fails=(*MAPCOUNT, *BREAKS_COW),
        fails_huge=(*BREAKS_COW, *HUGE_BY_MAPCOUNT),
    ),
    "vmsplice-after-fork": Case(
        "test_vmsplice_after_fork",
        "{kind}; fork(C); vmsplice(A, p); munmap(A); r0 = read(p)",
        STORE,
        f"P:r0 = {NEW}",
        fails=MAPCOUNT,
        fails_swapped=SWAPIN_BY_MAPCOUNT,
        fails_huge=HUGE_BY_MAPCOUNT,
    ),
    "fixed-buffer-read-only": Case(
        "test_iouring_ro",
        f"{{kind}}; h = pin(A, write, longterm); {CLEARED}{STORE}r0 = dma_read(h)",
        "",
        DEVICE_OLD,
        fails=("linux-5.9-rc4", *PAGE_COUNT),
        fails_huge=HUGE_BY_PAGE_COUNT,
    ),
    "fixed-buffer-fork": Case(
        "test_iouring_fork",
        f"{{kind}}; h = pin(A, write, longterm); fork(C); {STORE}r0 = dma_read(h)",
        READS,
        DEVICE_OLD,
        fails=(*MAPCOUNT, *BREAKS_COW, "linux-5.9-rc4"),
    ),
    **{
        f"read-only-pin-on-shared{fast}": Case(
            f"test_ro{'_fast' if fast else ''}_pin_on_shared",
            f"{{kind}}; fork(C); h = pin(A, read, longterm{slow}); {STORE}r0 = dma_read(h)",
            READS,
            DEVICE_OLD,
            fails=(*MAPCOUNT, "linux-5.9-rc4", *PAGE_COUNT),
        )
        for fast, slow in (("", ", slow"), ("-fast", ""))
    },
    **{
        f"read-only-pin-on-previously-shared{fast}": Case(
            f"test_ro{'_fast' if fast else ''}_pin_on_ro_previously_shared",
            f"{{kind}}; fork(C); {FORK_IS_SEEN}h = pin(A, read, longterm{slow}); "
            f"{STORE}r0 = dma_read(h)",
            "exit()",
            DEVICE_OLD,
            fails=("linux-5.9-rc4", *PAGE_COUNT),
            fails_huge=HUGE_BY_PAGE_COUNT,
        )
        for fast, slow in (("", ", slow"), ("-fast", ""))
    },
    **{
        f"read-only-pin-on-exclusive{fast}": Case(
            f"test_ro{'_fast' if fast else ''}_pin_on_ro_exclusive",
            f"{{kind}}; {CLEARED}h = pin(A, read, longterm{slow}); {STORE}r0 = dma_read(h)",
            "",
            DEVICE_OLD,
            fails=("linux-5.9-rc4", *PAGE_COUNT),
            fails_huge=HUGE_BY_PAGE_COUNT,
        )
        for fast, slow in (("", ", slow"), ("-fast", ""))
    },
}


def text(name: str, kind: str) -> str:
    """The litmus file of a case for a page of a kind."""
    case = CASES[name]
    parent = case.parent.format(kind={**KINDS, **HUGE_KINDS}[kind]).removeprefix("; ")
    pages = "A"
    requires = 'requires = ["swap"]\n' if kind == "swapped-out" else ""
    child = f"process C {{\n    {case.child}\n}}\n" if "fork(C)" in parent else ""
    if kind in HUGE_KINDS:
        pages = "A, B, C_, D"
        whole = [("munmap(A)", "munmap(A..D)"), ("mprotect(A,", "mprotect(A..D,")]
        for one, all_of_them in whole:
            parent, child = parent.replace(one, all_of_them), child.replace(one, all_of_them)
        parent = f"A[0] = {OLD}; {parent}".replace("; ; ", "; ")
        parent = f"madvise(A..D, hugepage); {parent}"
    else:
        parent = f"A[0] = {OLD}\n    {parent}"
    return (
        f'+++\ntitle = "{name.replace("-", " ")}, {kind.replace("-", " ")}"\n'
        f'source = "tools/testing/selftests/mm/cow.c {case.function}()"\n{requires}+++\n'
        f"process P {{\n    {pages} = mmap(anon, private, rw)\n    {parent}\n}}\n"
        f"{child}exists ({case.failed})\n"
    )


def write(folder: Path) -> None:
    """All of them as `*.litmus` in a folder."""
    for name, kind in product(CASES, (*KINDS, *HUGE_KINDS)):
        (folder / f"cow_c+{name}+{kind}.litmus").write_text(text(name, kind))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
