"""Fixtures of the linker's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # link_models.py, original.py

from link_models import Model, make_model


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Model]:
    """`model(text)` makes a model of this text."""

    def make(text: str, **more: str) -> Model:
        return make_model(tmp_path, text, **more)

    return make
