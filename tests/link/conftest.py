"""Fixtures of the linker's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # link_models.py, original.py

from link_models import Model, make_model

from pagefault.layout import new_state


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Model]:
    """`model(text)` makes a model of this text."""

    def make(text: str, **more: str) -> Model:
        return make_model(tmp_path, text, **more)

    return make


@pytest.fixture
def st() -> Any:
    """A state where all is 0."""
    return new_state()
