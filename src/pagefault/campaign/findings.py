"""What a campaign found, made small: the program, its shortest trace, and what is to blame."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pagefault.campaign.search import Dice, glance, look, signature
from pagefault.explore.paths import Result
from pagefault.lang.printing import format_program
from pagefault.lang.program import Expectation, Header, Program
from pagefault.lang.shrink import shrink
from pagefault.link import BASELINE, Kernel, link
from pagefault.link.overlay import design_files
from pagefault.report.story import trace_document

__all__ = ["MAINLINE", "Finding", "find"]

MAINLINE = "mainline"
MOST = 5_000
"""States of a shrunk program under some of the parts, each a kernel that is not compiled."""


@dataclass(frozen=True)
class Finding:
    """A promise that a design breaks, and the smallest program that was found to show it.

    `mainline` says whether mainline breaks it too, in this program. `parts` are those of the design
    that are to blame: each set of them alone, laid over mainline, breaks it. `text` is a litmus
    file, `trace` a document as report.story makes it.
    """

    seed: int
    design: str
    grain: str
    promise: str
    signature: str
    mainline: bool
    parts: tuple[tuple[str, ...], ...]
    statements: int
    states: int
    text: str
    trace: dict[str, Any]

    @property
    def steps(self) -> int:
        """The length of the shortest trace."""
        return len(self.trace["steps"])

    @property
    def key(self) -> tuple[object, ...]:
        """Findings that agree in it are taken for one: the parts that are to blame tell more than
        where it broke."""
        return self.design, self.promise, self.mainline, self.parts or self.signature


def find(dice: Dice, seed: int, design: str | Path, grain: str, promise: str, states: int) -> str:
    """The finding of this seed as JSON: what a worker hands back."""
    kernel, mainline = link(design), link(MAINLINE)
    program = dice.program(seed)
    too = promise in look(mainline, program, grain, states).breaches

    def shows(some: Sequence[Program]) -> list[bool]:
        """A finding that mainline does not share must not become one that it does."""
        return [
            promise in look(kernel, p, grain, states).breaches
            and (too or promise not in look(mainline, p, grain, states).breaches)
            for p in some
        ]

    program = shrink(program, shows)
    result = look(kernel, program, grain, states)
    trace = result.breaches[promise]
    program = _with_header(program, str(design), seed, promise, result, mainline, states)
    return _to_json(
        Finding(
            seed=seed,
            design=str(design),
            grain=grain,
            promise=promise,
            signature=signature(trace),
            mainline=too,
            parts=() if too else blame(kernel, program, grain, promise),
            statements=sum(len(task.statements) for task in program.tasks),
            states=result.states,
            text=format_program(program),
            trace=trace_document(replace(result, program=program), trace),
        )
    )


def blame(
    kernel: Kernel, program: Program, grain: str, promise: str
) -> tuple[tuple[str, ...], ...]:
    """The parts of a design that break the promise, laid over mainline: each that does so alone;
    where none does, a set of which none can be left out."""

    def breaks(design: str | Path) -> bool:
        return promise in glance(link(design), program, grain, MOST).breaches

    alone = [part for part in kernel.parts if breaks(part)]
    if alone or not kernel.parts:
        return tuple((part,) for part in alone)
    kept = list(kernel.parts)
    with tempfile.TemporaryDirectory(prefix="pagefault-parts-") as folder:
        for number, part in enumerate(kernel.parts):
            fewer = [other for other in kept if other != part]
            file = Path(folder) / f"fewer_{number}.py"
            file.write_text(f'"""Some parts of {kernel.name}."""\n\nPARTS = {fewer!r}\n')
            if breaks(file):
                kept = fewer
    return (tuple(kept),)


def _with_header(
    program: Program,
    design: str,
    seed: int,
    promise: str,
    result: Result,
    mainline: Kernel,
    states: int,
) -> Program:
    """With a title, where it comes from, and what the two kernels answered."""
    title = f"Found by a campaign: {design} breaks {promise}"
    source = f"pagefault campaign --design {design} --seed {seed}"
    answers = {MAINLINE: look(mainline, program, result.grain, states)}
    if design in design_files(BASELINE):
        answers[design] = result
    expect = tuple(
        Expectation(
            design=name,
            verdict=answer.verdict,
            grains=(result.grain,),
            breaks=tuple(n for n in answer.breaches if n not in answer.bugs),
        )
        for name, answer in answers.items()
        if answer.complete and not answer.bugs
    )
    header = Header(title=title, source=source, expect=expect)
    return replace(program, title=title, source=source, header=header)


def _to_json(finding: Finding) -> str:
    return json.dumps(vars(finding))


def from_json(text: str) -> Finding:
    """A finding as it was kept."""
    fields = json.loads(text)
    return Finding(**{**fields, "parts": tuple(tuple(parts) for parts in fields["parts"])})
