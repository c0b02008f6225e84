"""For all tests: emitted kernels go to a cache of this run, never the user's. The kernel here."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

from pagefault.errors import LiveError
from pagefault.live import Host
from pagefault.live.compiler import compiler

CACHE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    # A worker of pytest-xdist inherits the folder that the first process made. The folder is
    # named here and not in a fixture because some tests link kernels while they are collected.
    os.environ["PAGEFAULT_AGAIN"] = "1"  # no test is to pass by what another found out
    if "PAGEFAULT_CACHE" not in os.environ:
        os.environ["PAGEFAULT_CACHE"] = config.stash[CACHE] = tempfile.mkdtemp(prefix="pagefault-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if folder := config.stash.get(CACHE, None):
        del os.environ["PAGEFAULT_CACHE"]
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def host() -> Host:
    """The kernel that runs here; what this machine lacks is a skip with its reason."""
    try:
        compiler()
    except LiveError as error:
        pytest.skip(error.message)
    return Host()
