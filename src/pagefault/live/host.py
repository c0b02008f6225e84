"""The running kernel as a backend."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pagefault.errors import LiveError

__all__ = ["Host"]

START_S = 60.0
"""Patience with a binary beyond what its lines may take, in seconds."""


@dataclass(frozen=True)
class Host:
    """The kernel under us. `jobs` binaries share the lines, each with its driver on a CPU."""

    jobs: int = 1

    @property
    def name(self) -> str:
        """What the user calls it."""
        return "host"

    @property
    def release(self) -> str:
        """What uname -r says."""
        return os.uname().release

    @property
    def identity(self) -> str:
        """Release and build."""
        name = os.uname()
        return f"{name.release} {name.version} {name.machine}"

    def run(self, binary: Path, lines: Sequence[str], patience_s: float) -> Iterable[str]:
        """What the binary prints. LiveError if it fails, or if the kernel cannot run it."""
        jobs = max(1, min(self.jobs, len(lines)))
        size = -(-len(lines) // jobs)
        shares = [lines[at : at + size] for at in range(0, len(lines), size)] or [[]]
        with ThreadPoolExecutor(jobs) as pool:
            runs = [
                pool.submit(_run, binary, share, cpu, START_S + patience_s)
                for cpu, share in enumerate(shares)
            ]
            for run in runs:
                yield from run.result()


def _run(binary: Path, lines: Sequence[str], cpu: int, patience_s: float) -> list[str]:
    # A folder of its own: the program may need a file to write to.
    with tempfile.TemporaryDirectory(prefix="pagefault-") as scratch:
        try:
            result = subprocess.run(
                [binary, "--cpu", str(cpu), "-"],
                input="".join(f"{line}\n" for line in lines),
                capture_output=True,
                text=True,
                cwd=scratch,
                timeout=patience_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LiveError("the test program does not come to an end", binary) from None
    if result.returncode != 0:
        why = result.stderr.strip() or f"exit code {result.returncode}"
        raise LiveError(f"the test program failed: {why}", binary)
    return result.stdout.splitlines()
