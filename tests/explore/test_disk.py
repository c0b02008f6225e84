"""States kept in files: the same search, and a clear error where there is no room for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pagefault.errors import PagefaultError
from pagefault.explore.search import Budget, explore
from pagefault.explore.words import lazy_zeros
from pagefault.lang import catalogue
from pagefault.link import link

ENTRIES = {entry.name: entry for entry in catalogue()}
TEST = ENTRIES["tlb+mprotect-load-load+store"].program


@pytest.mark.parametrize("cores", [1, 2])
def test_a_search_on_disk_finds_what_one_in_memory_finds(tmp_path, cores):
    in_memory = Budget()
    on_disk = replace(in_memory, disk=tmp_path)
    one, other = (
        explore(link(), TEST, "step", budget, engine="compiled", cores=cores)
        for budget in (in_memory, on_disk)
    )
    for field in ("verdict", "positive", "negative", "states", "transitions", "depth"):
        assert getattr(one, field) == getattr(other, field)
    assert not list(tmp_path.iterdir())  # the files have no names, and go with the process


def test_states_on_disk_stand_in_a_file(tmp_path):
    states = lazy_zeros((1 << 10,), "u8", disk=tmp_path)
    states[:] = 1
    assert f" {tmp_path}/" in Path("/proc/self/maps").read_text()


def test_no_room_is_an_error(tmp_path):
    with pytest.raises(PagefaultError, match="no place there for"):
        lazy_zeros((1 << 58,), "u8", disk=tmp_path)
    with pytest.raises(PagefaultError, match="hint: name another folder by --disk"):
        lazy_zeros((8,), "u8", disk=tmp_path / "none")
