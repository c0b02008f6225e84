"""What threads see around a drop is asked of the kernel that runs here, in a loop of its own."""

import re
import subprocess
from pathlib import Path

import pytest

from pagefault.live import Host
from pagefault.live.compiler import compiler

SOURCE = Path(__file__).with_name("after_a_drop.c")
CANNOT = 77
TRIES = 20


@pytest.fixture(scope="session")
def program(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    binary = tmp_path_factory.mktemp("drop") / "after_a_drop"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
    subprocess.run([*compiler(), *flags, str(SOURCE), "-o", str(binary)], check=True)
    return binary


@pytest.mark.parametrize("what", ["threads", "stores", "alone", "looks"])
def test_it_counts_how_often_the_old_value_is_seen(program: Path, what: str) -> None:
    """How often is for docs/droppable.md to say: it depends on when the other thread comes."""
    done = subprocess.run([program, what, str(TRIES)], capture_output=True, text=True, timeout=60)
    if done.returncode == CANNOT:
        pytest.skip("needs two CPUs and MAP_DROPPABLE")
    found = re.fullmatch(rf"{what}: {TRIES} tries, the old value was seen in (\d+)\n", done.stdout)
    assert found
    assert int(found[1]) <= TRIES
