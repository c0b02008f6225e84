"""What the tests of live kernels share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pagefault.lang import Program, parse

TEXT = """+++
title = "A test"
source = "made for the test"
+++
{tasks}
exists ({condition})
"""


@pytest.fixture(scope="session")
def program() -> Callable[..., Program]:
    """A program from its tasks and its condition."""

    def make(tasks: str, condition: str = "P:r0 = 1", name: str = "made") -> Program:
        return parse(TEXT.format(tasks=tasks, condition=condition), name)

    return make
