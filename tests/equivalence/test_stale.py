"""Machine code is never stale: what a function depends on decides its file's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagefault.explore.words import record_of
from pagefault.jit import Twins
from pagefault.layout import new_state
from pagefault.link import Baseline, link

FILES = {
    "mm/memory.py": '''"""A model."""

from pagefault.consts import LIMIT


def helper(st, t):
    return LIMIT


def answer(st, t):
    return helper(st, t) + 1


def reads(st, i):
    return st.task[0].reg[i]
''',
    "designs/mainline.py": '"""The baseline."""\n',
}
NEEDED = """
YIELDED = 0
BLOCKED = 1
WAITING = 2
CALLED = 3
RETURNED = 4
NR_REGS = 12
NR_FRAMES = 16
BUG_FRAME_OVERFLOW = 1
LIMIT = 3
"""
PROBE = '''"""Calls one function."""

from .answer import answer
from .reads import reads


def probe(st, t):
    """The answer, or a register."""
    if t == 0:
        return answer(st, t)
    return reads(st, t)
'''


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name, text in {**FILES, "consts.py": NEEDED}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def probe(model: Path, argument: int = 0) -> int:
    """What the compiled function answers, by what the files say now."""
    baseline = Baseline((model / "mm",), (model / "consts.py",), model / "designs")
    twins = Twins(link("mainline", baseline))
    twins.add("probe", PROBE)
    states, _, _ = record_of(new_state())  # with room for marks
    return twins.load("probe")(states[0], argument)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_an_edited_helper_and_an_edited_constant_change_the_answer(model):
    assert probe(model) == 4
    edit(model / "mm/memory.py", "return LIMIT", "return LIMIT * 10")
    assert probe(model) == 31
    edit(model / "consts.py", "LIMIT = 3", "LIMIT = 5")
    assert probe(model) == 51
    edit(model / "consts.py", "LIMIT = 5", "LIMIT = 3")
    assert probe(model) == 31


def test_bounds_checks_are_an_option_of_their_own(model, monkeypatch):
    probe(model, 1)
    monkeypatch.setenv("PAGEFAULT_BOUNDSCHECK", "1")
    with pytest.raises(IndexError):
        probe(model, 1_000)
    monkeypatch.delenv("PAGEFAULT_BOUNDSCHECK")
    probe(model, 9)  # unchecked: one past the end, whatever lies there
