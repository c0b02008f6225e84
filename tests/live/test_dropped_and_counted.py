"""What the kernel that runs here counts of droppable pages that it takes, and says of a limit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from errno import EBUSY
from pathlib import Path

import pytest

from pagefault.live import Host
from pagefault.live.compiler import compiler

SOURCE = Path(__file__).with_name("dropped_and_counted.c")
MEMORY = Path("/sys/fs/cgroup/memory")
PAGES = 4096
MANY, FEW = PAGES // 4, PAGES // 16
"""Others on this machine are counted, too."""


@pytest.fixture(scope="session")
def program(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    binary = tmp_path_factory.mktemp("counted") / "dropped_and_counted"
    flags = ["-static", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*compiler(), *flags, str(SOURCE), "-o", str(binary)], check=True)
    return binary


@pytest.fixture
def cgroup() -> Iterator[Path]:
    path = MEMORY / f"pagefault-test-{os.getpid()}"
    try:
        path.mkdir()
    except OSError:
        pytest.skip("needs a memory controller of version 1, and rights")
    yield path
    path.rmdir()


def ask(program: Path, cgroup: Path, what: str) -> list[int]:
    done = subprocess.run([program, cgroup, what], capture_output=True, text=True, timeout=60)
    if "Invalid argument" in done.stderr:
        pytest.skip("needs MAP_DROPPABLE")
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def test_droppable_pages_are_gone_and_nobody_has_taken_them(program: Path, cgroup: Path) -> None:
    """As droppable+two-pages-reclaim_file: half was asked for, all went, and none is counted."""
    error, left, stolen, lazyfreed, activated = ask(program, cgroup, "droppable")
    assert error == EBUSY
    assert left == 0
    assert stolen < FEW
    assert lazyfreed < FEW
    assert activated >= PAGES


def test_pages_of_madv_free_are_counted_and_enough_is_enough(program: Path, cgroup: Path) -> None:
    """As droppable+private-free-reclaim_file-load."""
    error, left, stolen, lazyfreed, _ = ask(program, cgroup, "freed")
    assert error == 0
    assert left > MANY
    assert stolen > MANY
    assert lazyfreed > MANY
