"""Run the measuring program and gather its samples."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from statistics import median

from pagefault.errors import LiveError
from pagefault.live.compiler import build

__all__ = ["Samples", "measure", "read"]

PATIENCE_S = 600


@dataclass
class Samples:
    """Nanoseconds by name and number, one for each trial."""

    trials: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def best(self, name: str, x: int = 0) -> float | None:
        """The quickest trial, which other work disturbed least; None if there was none."""
        found = self.trials.get((name, x))
        return min(found) if found else None

    def spread(self, name: str, x: int = 0) -> float:
        """How far the middle trial is from the quickest: what a difference must exceed."""
        found = self.trials.get((name, x))
        return median(found) - min(found) if found else 0.0

    def line(self, name: str) -> list[tuple[int, float]]:
        """The quickest trial for each number, in order."""
        return sorted((x, min(found)) for (n, x), found in self.trials.items() if n == name)


def read(lines: Iterable[str]) -> Samples:
    """The samples that the program printed."""
    samples = Samples()
    for name, x, value in _fields(lines):
        samples.trials.setdefault((name, x), []).append(value)
    return samples


def _fields(lines: Iterable[str]) -> Iterator[tuple[str, int, float]]:
    for line in lines:
        name, x, value = line.split()
        yield name, int(x), float(value)


def measure(program: str, *arguments: int) -> Samples:
    """What a C program of this folder measures on this machine. LiveError if it cannot be."""
    text = files("pagefault.cost").joinpath(program).read_text(encoding="utf-8")
    command = [str(build(text, ("-O2", "-pthread"))), *map(str, arguments)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise LiveError(
            f"the measurement did not end within {PATIENCE_S} s", hint="ask for fewer: --trials"
        ) from None
    if done.returncode != 0:
        raise LiveError(f"the measuring program failed: {done.stderr.strip() or done.returncode}")
    return read(done.stdout.splitlines())
