"""The running kernel as a backend."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic

from pagefault.errors import LiveError

__all__ = ["Host"]

TICK_S = 0.5
"""Between two looks whether it must end, in seconds."""

LRU_GEN = Path("/sys/kernel/mm/lru_gen/enabled")
"""Whether the multi-generational LRU is on; 0 means the classic lists."""

START_S = 60.0
"""Patience with a binary beyond what its lines may take, in seconds."""


@dataclass(frozen=True)
class Host:
    """The kernel under us. `jobs` binaries share the lines, each with its driver on a CPU.

    It is `expendable` only if somebody says so.
    """

    jobs: int = 1
    expendable: bool = False
    stopping: Event = field(default_factory=Event, compare=False)

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
        """Release and build, and which LRU lists, where that may be changed."""
        name = os.uname()
        lru_gen = f" lru_gen {LRU_GEN.read_text().strip()}" if LRU_GEN.exists() else ""
        return f"{name.release} {name.version} {name.machine}{lru_gen}"

    def run(self, binary: Path, lines: Sequence[str], patience_s: float) -> Iterable[str]:
        """What the binary prints. LiveError if it fails, or if the kernel cannot run it."""
        jobs = max(1, min(self.jobs, len(lines)))
        size = -(-len(lines) // jobs)
        shares = [lines[at : at + size] for at in range(0, len(lines), size)] or [[]]
        with ThreadPoolExecutor(jobs) as pool:
            runs = [
                pool.submit(_run, binary, share, cpu, START_S + patience_s, self.stopping)
                for cpu, share in enumerate(shares)
            ]
            try:
                for run in runs:
                    yield from run.result()
            except BaseException:
                self.stop()  # the pool waits for what runs
                raise

    def stop(self) -> None:
        """End what runs."""
        self.stopping.set()


def _run(
    binary: Path, lines: Sequence[str], cpu: int, patience_s: float, stopping: Event
) -> list[str]:
    # A folder of its own: the program may need a file to write to.
    with (
        tempfile.TemporaryDirectory(prefix="pagefault-") as scratch,
        tempfile.TemporaryFile("w+") as asked,
    ):
        asked.write("".join(f"{line}\n" for line in lines))
        asked.seek(0)
        with subprocess.Popen(
            [binary, "--cpu", str(cpu), "-"],
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=scratch,
        ) as process:
            output, errors = _talk(process, patience_s, stopping)
    if process.returncode != 0:
        why = errors.strip() or f"exit code {process.returncode}"
        raise LiveError(f"the test program failed: {why}", binary)
    return output.splitlines()


def _talk(process: subprocess.Popen[str], patience_s: float, stopping: Event) -> tuple[str, str]:
    """What it prints, and its errors. It ends when its time is over, or when it is stopped."""
    end = monotonic() + patience_s
    while True:
        try:
            return process.communicate(timeout=TICK_S)
        except subprocess.TimeoutExpired:
            # What was printed so far, communicate() keeps for the next call.
            if stopping.is_set() or monotonic() > end:
                process.kill()
                why = "was stopped" if stopping.is_set() else "does not come to an end"
                raise LiveError(f"the test program {why}") from None
        except BaseException:
            process.kill()
            raise
