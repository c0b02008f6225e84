"""What a guest is asked to do, and what became of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FEATURES", "MODULE", "Job", "JobResult", "Outcome"]

# What a job may need. The guest probes each (guest/features.h), and skips the job if it is missing.
FEATURES = {
    "swap": "a swap device in use",
    "block": "ext4 on a block device; PAGEFAULT_FS names an empty folder there; takes O_DIRECT",
    "cgroup": "cgroup2 with the memory controller; PAGEFAULT_CGROUP names an empty cgroup",
    "cgroup-reclaim": "memory.reclaim in a cgroup",
    "cgroup-swap": "memory.swap.max in a cgroup",
    "debugfs": "debugfs, mounted at /sys/kernel/debug",
    "droppable": "mmap() with MAP_DROPPABLE",
    "guard": "madvise() with MADV_GUARD_INSTALL",
    "gup-test": "/sys/kernel/debug/gup_test",
    "hugetlb": "a huge page can be reserved and mapped",
    "io-uring": "io_uring_setup()",
    "kpagecount": "/proc/kpagecount can be read",
    "kpageflags": "/proc/kpageflags can be read",
    "ksm": "/sys/kernel/mm/ksm",
    "memfd-secret": "memfd_secret()",
    "numa": "two NUMA nodes",
    "page-idle": "/sys/kernel/mm/page_idle/bitmap",
    "pagemap": "/proc/self/pagemap with frames",
    "pageout": "madvise() with MADV_PAGEOUT",
    "populate": "madvise() with MADV_POPULATE_READ",
    "process-vm": "process_vm_readv()",
    "soft-dirty": "pagemap tells soft-dirty pages",
    "thp": "transparent huge pages",
    "userfaultfd": "userfaultfd()",
    "userfaultfd-minor": "userfaultfd with UFFD_FEATURE_MINOR_SHMEM",
    "userfaultfd-move": "userfaultfd with UFFD_FEATURE_MOVE",
    "userfaultfd-wp": "userfaultfd with UFFD_FEATURE_PAGEFAULT_FLAG_WP",
    "vmsplice": "vmsplice()",
}
MODULE = "module:"


class Outcome(enum.StrEnum):
    """What became of a job."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    """The guest lacks something that the job needs."""
    CRASHED = "crashed"
    """The kernel died while it ran."""
    HUNG = "hung"
    """The kernel gave no more answer, or could not kill it."""
    NOT_RUN = "not run"
    """The kernel died or hung too often before its turn came."""


@dataclass(frozen=True)
class Job:
    """A program to run in a guest, as root or as another user."""

    name: str
    binary: Path
    """Statically linked."""
    argv: tuple[str, ...] = ()
    """Without the program's own name."""
    stdin: bytes = b""
    timeout: float = 30.0
    """Seconds, by the guest's clock."""
    needs: frozenset[str] = frozenset()
    """Keys of FEATURES, and `module:NAME`."""
    uid: int = 0
    silence: float | None = None
    """A job that records its steps: after so many seconds without one, the kernel has hung."""


@dataclass(frozen=True)
class JobResult:
    """What became of a job, and what it wrote."""

    name: str
    outcome: Outcome
    code: int | None = None
    """The exit status if it exited, the signal's number if it was signalled."""
    stdout: bytes = b""
    stderr: bytes = b""
    seconds: float = 0.0
    """From fork to exit, by the guest's clock."""
    reason: str = ""
    """Why it was skipped, crashed, hung or was not run: a sentence."""
    kernel_log: tuple[str, ...] = ()
    """What the kernel logged while it ran."""
    console: str = ""
    """The last lines of the console, where the kernel died or hung."""
    recorded: str = ""
    """What was written last to the port of the recorder, by this job or by the next one."""
    cut: frozenset[str] = frozenset()
    """`out`, `err`: it wrote more than the first MiB, which is all there is here."""
    boot: int = 0
    """In which boot of the batch it ran, from 1; 0 if in none."""
