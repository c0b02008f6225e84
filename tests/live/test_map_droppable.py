"""What mmap(MAP_DROPPABLE) says, flag by flag: of the kernel that runs here, and of the images that
are in the folder PAGEFAULT_KERNELS: each takes half a minute to boot."""

from __future__ import annotations

import os
import subprocess
from errno import EEXIST, EINVAL, EOPNOTSUPP
from pathlib import Path

import pytest

from pagefault.live import Host, kernels
from pagefault.live.compiler import compiler
from pagefault.live.jobs import Job
from pagefault.live.vm import run

SOURCE = Path(__file__).with_name("map_droppable.c")

# From mm/mmap.c do_mmap(), v6.12 (commit 9651fcedf7b9), and runs on Linux 6.12 and 6.18:
# MAP_DROPPABLE is a value of MAP_TYPE, and anonymous memory has it alone.
SINCE_6_11 = {
    "alone": 0,
    "MAP_STACK": 0,
    "MAP_NORESERVE": 0,
    "MAP_POPULATE": 0,
    "MAP_NONBLOCK": 0,
    "MAP_SYNC": 0,
    "MAP_32BIT": 0,
    "unknown-bit": 0,
    "MAP_LOCKED": EINVAL,
    "MAP_HUGETLB": EINVAL,
    "MAP_GROWSDOWN": EINVAL,
    "MAP_PRIVATE": EINVAL,
    "MAP_SHARED": EINVAL,
    "MAP_SHARED_VALIDATE": EINVAL,
    "PROT_NONE": 0,
    "PROT_EXEC": 0,
    "file": EINVAL,
    "file-anonymous": 0,
    "no-bytes": EINVAL,
    "MAP_FIXED_NOREPLACE": EEXIST,
    "MAP_FIXED": 0,
    "odd-address": EINVAL,
    "32-bit-program": 0,
}
# There is no such type of mapping: mm/mmap.c do_mmap(), v6.1, and runs on Linux 5.10 and 6.1.
UP_TO_6_10 = dict.fromkeys(SINCE_6_11, EINVAL) | {"MAP_FIXED_NOREPLACE": EEXIST}

# A kernel of 32 bits has no room for the flag: 524 (ENOTSUPP), EOPNOTSUPP since 2026. None is here.
NO_ROOM = (524, EOPNOTSUPP)


@pytest.fixture(scope="session")
def binary(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("map") / "map_droppable"
    flags = ["-static", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*compiler(), *flags, str(SOURCE), "-o", str(path)], check=True)
    return path


def agrees(printed: str) -> None:
    answers = {name: int(error) for name, error in map(str.split, printed.splitlines())}
    assert answers["alone"] not in NO_ROOM
    expected = SINCE_6_11 if answers["alone"] == 0 else UP_TO_6_10
    assert answers == {name: expected[name] for name in answers}
    assert set(SINCE_6_11) - set(answers) <= {"MAP_32BIT", "32-bit-program"}


def test_here(binary: Path) -> None:
    done = subprocess.run([binary], capture_output=True, text=True, timeout=60, check=True)
    agrees(done.stdout)


@pytest.mark.parametrize("name", ["5.10", "6.1", "6.12", "7"])
def test_of_an_image(binary: Path, name: str) -> None:
    if "PAGEFAULT_KERNELS" not in os.environ:
        pytest.skip("PAGEFAULT_KERNELS names no folder of images")
    images = {image.name: image for image in kernels.images()}
    if name not in images:
        pytest.skip(f"there is no image {name}")
    (result,) = run(images[name], [Job("map", binary)])
    assert result.code == 0, result.reason
    agrees(result.stdout.decode())
