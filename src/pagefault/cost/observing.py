"""Run the program that takes secret pages on a kernel image, and tell what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

from pagefault.cost.observe import Comparison, compare
from pagefault.errors import LiveError
from pagefault.live.compiler import build
from pagefault.live.jobs import Job, Outcome
from pagefault.live.kernels import Image
from pagefault.live.vm import Options, run

__all__ = ["observe", "observed_text"]

MEMORY_MB = 6144  # so that there is a zone Normal, in which a 1G entry fits
PATIENCE_S = 300.0
SITUATIONS = {
    "after boot": ("0", "1"),
    "worn": ("8000", "1"),
    "worn, CPU lists kept": ("8000", "0"),
}
"""By name: 2 MiB ranges to touch before, and whether to empty the CPU's lists of free pages."""


def observe(image: Image, pages: int, seeds: int) -> list[Comparison]:
    """Each situation in a boot of its own. LiveError, or VmError, if it cannot be run."""
    text = files("pagefault.cost").joinpath("splits.c").read_text(encoding="utf-8")
    binary = build(text)
    jobs = [
        Job(name, binary, (str(pages), *words), timeout=PATIENCE_S)
        for name, words in SITUATIONS.items()
    ]
    options = Options(memory_mb=MEMORY_MB, jobs_per_boot=1)
    found = []
    for job, result in zip(jobs, run(image, jobs, options=options), strict=True):
        if result.outcome is not Outcome.EXITED or result.code != 0:
            said = result.stderr.decode(errors="replace").strip()
            raise LiveError(f"{image.name}, {job.name}: {said or result.reason or result.outcome}")
        found.append(compare(job.name, result.stdout.decode(errors="replace"), seeds))
    return found


def observed_text(kernel: str, found: Sequence[Comparison]) -> str:
    """A block for each situation."""
    return "\n\n".join("\n".join((f"{kernel}, {one.name}", *_lines(one))) for one in found)


def _lines(one: Comparison) -> Iterator[str]:
    seen = one.seen
    pages = len(seen.frames)
    yield (
        f"  {pages} pages, {seen.in_zone} of them from zone {seen.zone.name}; "
        f"{seen.zone.listed} were on the CPU's own list"
    )
    yield "             seen  predicted, free blocks close  apart  ranges that the pages lie in"
    for name, level in (("2M", "2M splits"), ("1G", "1G splits")):
        close, apart = (sorted(splits[name] for splits in them) for them in (one.close, one.apart))
        yield (
            f"  {level}  {one.splits[name]:>6}  {_span(close):>29}  {_span(apart):>5}"
            f"  {one.touched[name]:>5}"
        )
    predicted = pages + sum(one.splits.values())
    yield f"  interrupts of the other CPU: {one.interrupts}, by pages and splits {predicted}"
    freed = seen.given.interrupts - seen.taken.interrupts
    yield f"  when the pages were given back: {freed}, by the source 0"
    does = "moved as the splits say, and not back" if one.adds_up else "do not add up"
    yield f"  DirectMap4k, 2M and 1G {does}"


def _span(values: Sequence[int]) -> str:
    return f"{values[0]}" if values[0] == values[-1] else f"{values[0]}..{values[-1]}"
