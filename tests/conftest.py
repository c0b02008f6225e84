"""For all tests: emitted kernels go to a cache of this run, never to the user's."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

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
