"""The benchmark of live kernels runs, and counts what it ran."""

from __future__ import annotations

import pytest

from benchmarks import live
from pagefault.errors import LiveError
from pagefault.live.compiler import compiler


def test_it_counts_schedules_and_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        compiler()
    except LiveError as error:
        pytest.skip(error.message)
    monkeypatch.setattr(live, "SCHEDULES", 60)
    monkeypatch.setattr(live, "ITERATIONS", 60)
    assert live.forced(1)() > 0
    assert live.forced(2)() > 0
    assert live.free()() > 0
