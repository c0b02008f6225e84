"""A kernel image in a virtual machine as a backend."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pagefault.errors import LiveError
from pagefault.live.jobs import Job, JobResult, Outcome
from pagefault.live.kernels import Image
from pagefault.live.vm import Options, run

__all__ = ["LINES_A_JOB", "Virtual"]

LINES_A_JOB = 4000
"""A guest keeps the first MiB of what a job prints, and a line is some 100 bytes long."""

START_S = 120.0
"""Patience with a job beyond what its lines may take, in seconds."""

WANTS = {b"PAGEFAULT_FS": "block", b"PAGEFAULT_CGROUP": "cgroup", b"(/proc/swaps)": "swap"}
"""What a guest must set up, by what is found in a binary that wants it: the names of a folder for
O_DIRECT and of a cgroup, the words in which the lack of swap is told."""


@dataclass(frozen=True)
class Virtual:
    """A kernel image in QEMU: all that is asked at once goes into one boot, as root."""

    image: Image
    options: Options = field(default_factory=Options)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.image.name

    @property
    def release(self) -> str:
        """What uname -r says there."""
        return self.image.release

    @cached_property
    def identity(self) -> str:
        """Release and hash of the boot image."""
        digest = hashlib.sha256(self.image.path.read_bytes()).hexdigest()
        return f"{self.image.release} image {digest[:16]}"

    def run(self, binary: Path, lines: Sequence[str], patience_s: float) -> Iterable[str]:
        """What the binary prints. LiveError if it fails, or if the kernel dies of it."""
        shares = [lines[at : at + LINES_A_JOB] for at in range(0, len(lines), LINES_A_JOB)] or [[]]
        content = binary.read_bytes()
        needs = frozenset(need for mark, need in WANTS.items() if mark in content)
        jobs = [_job(binary, n, share, needs, patience_s) for n, share in enumerate(shares)]
        results = run(self.image, jobs, options=self.options)
        if needs and any(result.outcome is Outcome.SKIPPED for result in results):
            # Without a file system or swap the test program skips those tests that want one.
            bare = [
                _job(binary, n, share, frozenset(), patience_s) for n, share in enumerate(shares)
            ]
            results = run(self.image, bare, options=self.options)
        for result in results:
            yield from self._lines(result)

    def _lines(self, result: JobResult) -> list[str]:
        if result.outcome is not Outcome.EXITED or result.code != 0:
            raise LiveError(
                f"kernel {self.name}: the test program {_end(result)}", hint=_hint(result)
            )
        if result.cut:
            raise LiveError(f"kernel {self.name}: the test program printed more than a guest keeps")
        return result.stdout.decode(errors="replace").splitlines()


def _job(
    binary: Path, number: int, lines: Sequence[str], needs: frozenset[str], patience_s: float
) -> Job:
    return Job(
        name=f"part-{number}",
        binary=binary,
        argv=("-",),
        stdin="".join(f"{line}\n" for line in lines).encode(),
        timeout=START_S + patience_s,
        needs=needs,
    )


def _end(result: JobResult) -> str:
    """How it ended, in words."""
    match result.outcome:
        case Outcome.EXITED:
            return f"failed with exit code {result.code}"
        case Outcome.SIGNALLED:
            return f"died of signal {result.code}"
        case Outcome.CRASHED:
            return f"ran when the kernel died: {result.reason}"
        case Outcome.HUNG:
            return f"ran when the kernel hung: {result.reason}"
    return f"did not end: {result.reason or result.outcome.value}"


def _hint(result: JobResult) -> str | None:
    said = result.console or result.stderr.decode(errors="replace").strip()
    return f"what was said last:\n{said}" if said else None
