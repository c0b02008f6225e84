"""What the tests of live kernels share. What this machine lacks is a skip with its reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pagefault.errors import LiveError
from pagefault.lang import Program, parse
from pagefault.live import Host
from pagefault.live.compiler import compiler

TEXT = """+++
title = "A test"
source = "made for the test"
+++
{tasks}
exists ({condition})
"""


@pytest.fixture(scope="session")
def host() -> Host:
    """The kernel that runs here."""
    try:
        compiler()
    except LiveError as error:
        pytest.skip(error.message)
    return Host()


@pytest.fixture(scope="session")
def program() -> Callable[..., Program]:
    """A program from its tasks and its condition."""

    def make(tasks: str, condition: str = "P:r0 = 1", name: str = "made") -> Program:
        return parse(TEXT.format(tasks=tasks, condition=condition), name)

    return make
