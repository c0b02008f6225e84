"""What the tests of the comparison share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pagefault.conform.compare import Difference
from pagefault.conform.rows import Finding, Row
from pagefault.live import Unanswered


@dataclass
class Fake:
    """A kernel that prints what it is told to, and remembers what it was asked."""

    say: Callable[[str], str | Unanswered] = lambda line: f"run {line} done"
    name: str = "fake"
    release: str = "6.12.1"
    identity: str = "6.12.1 fake"
    heard: list[str] = field(default_factory=list)

    stopped: bool = False
    expendable: bool = False

    def stop(self) -> None:
        self.stopped = True

    def run(
        self, binary: Path, lines: Sequence[str], patience_s: float
    ) -> Iterable[str | Unanswered]:
        self.heard += lines
        return ["kernel Linux 6.12.1 x86_64", *map(self.say, lines), "end"]


@pytest.fixture
def fake() -> type[Fake]:
    return Fake


@pytest.fixture
def differing_row() -> Row:
    """One schedule of two differs, in a register, after the second move."""
    parted = (Difference("C:r0", "1", "2"),)
    finding = Finding(
        ("P", "C", "P"), ("P", "C"), "C: r0 = A[0]", ("P: fork(D)",), 1, parted, parted
    )
    return Row("cow+x", "fake", "mainline", schedules=2, agreed=1, findings=(finding,))
