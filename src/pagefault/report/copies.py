"""How many pages a design allocates in a test, and for what: GUP's unshares, fork's early copies.

One schedule is walked, the same for all designs: the first task that can move does. What a design
allocates beyond another is what it copies, or fills where nothing was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pagefault.consts import MOVED, NR_PFN
from pagefault.explore.engine import Engine, boot, take_choices
from pagefault.explore.lower import lower
from pagefault.lang.program import Program
from pagefault.layout import LEAF_INDEX

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = ["CAUSES", "allocations", "copies_text"]

CAUSES = ("gup", "fork", "fault")

_GUP = {"pin", "get", "vmsplice", "process_vm_readv", "process_vm_writev"}
_REFCOUNTS = [LEAF_INDEX[f"folio[{pfn}].refcount"] for pfn in range(NR_PFN)]


def allocations(kernel: Kernel, program: Program) -> Mapping[str, int]:
    """Pages allocated by statements that take references, by fork, and by faults."""
    lowered = lower(program, kernel)
    engine = Engine(kernel, lowered, "op")
    st = boot(kernel, lowered)
    found: Counter[str] = Counter()
    while _move(engine, st, program, found):
        pass
    return {cause: found[cause] for cause in CAUSES}


def _move(engine: Engine, st: Any, program: Program, found: Counter[str]) -> bool:
    """One statement of the first task that can make one; false if none can."""
    before = list(st.leaves)
    for t, task in enumerate(program.tasks):
        statement = st.task[t].ip
        if engine.step(st, t) == MOVED:
            take_choices(st.leaves)
            new = sum(st.leaves[at] > 0 and before[at] == 0 for at in _REFCOUNTS)
            found[_cause(task.statements[statement].verb)] += new
            return True
        st.leaves[:] = before
    return False


def _cause(verb: str) -> str:
    if verb in _GUP:
        return "gup"
    return "fork" if verb == "fork" else "fault"


def copies_text(document: Mapping[str, Any]) -> str:
    """A row for each test in which designs differ, a column for each design; the sums of all."""
    designs: Sequence[str] = document["designs"]
    rows = [(t["name"], [_cell(t["allocated"][d]) for d in designs]) for t in document["tests"]]
    alike = [row for row in rows if len(set(row[1])) == 1] if len(designs) > 1 else []
    rows = [row for row in rows if row not in alike]
    sums = {d: Counter[str]() for d in designs}
    for test in document["tests"]:
        for design in designs:
            sums[design].update(test["allocated"][design])
    rows.append(("all", [_cell(sums[design]) for design in designs]))
    name = max(len(row[0]) for row in rows)
    width = [max(len(row[1][i]) for row in rows) for i in range(len(designs))]

    def line(head: str, cells: Sequence[str]) -> str:
        columns = (f"{cell:<{w}}" for cell, w in zip(cells, width, strict=True))
        return f"{head:<{name}}  {'  '.join(columns)}".rstrip()

    lines = [
        "pages allocated by references / by fork / by faults, in one schedule of each test",
        "",
    ]
    lines.append(line("", [str(n) for n in range(1, len(designs) + 1)]))
    lines += [line(*row) for row in rows]
    if alike:
        lines += ["", f"all designs allocate alike in {len(alike)} more tests"]
    return "\n".join([*lines, "", *(f"{n:>2} {d}" for n, d in enumerate(designs, 1))])


def _cell(allocated: Mapping[str, int]) -> str:
    return "/".join(str(allocated[cause]) for cause in CAUSES)
