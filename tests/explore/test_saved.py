"""A compiled search that is interrupted goes on where it was."""

from __future__ import annotations

import signal

import pytest

from pagefault.explore import saved, search
from pagefault.explore.search import explore
from pagefault.lang import catalogue
from pagefault.link import link
from pagefault.link.files import folder

TEST = "gup+vmsplice-vmsplice+read+read"


@pytest.fixture
def program():
    return next(entry.program for entry in catalogue() if entry.name == TEST)


@pytest.fixture
def interrupted(program, monkeypatch):
    """A search that Ctrl-C met after its first chunk; the message."""
    monkeypatch.setattr(search, "CHUNK", 20)
    monkeypatch.setattr(search, "FIRST_CHUNK", 20)
    rung = []

    def ring(words):
        if "states/s" in words and not rung:
            rung.append(words)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as error:
        explore(link(), program, "step", engine="compiled", progress=ring)
    return str(error.value)


def kept():
    return list(folder(saved.KIND).glob("*.npz"))


def numbers(result):
    return (
        (result.verdict, result.positive, result.negative, result.stuck),
        (result.states, result.transitions, result.depth),
        {name: len(result.finals[name].steps) for name in result.finals},
    )


def test_it_goes_on(program, interrupted):
    assert "the same again goes on from there" in interrupted
    assert len(kept()) == 1
    notes = []
    result = explore(link(), program, "step", engine="compiled", progress=notes.append)
    assert any(note.startswith("going on from") for note in notes)
    assert numbers(result) == numbers(explore(link(), program, "step", engine="interpreted"))
    assert not kept(), "what came to its end is not kept"


def test_another_search_does_not_go_on_from_it(program, interrupted):
    notes = []
    explore(link("linux-5.10"), program, "step", engine="compiled", progress=notes.append)
    assert not any(note.startswith("going on") for note in notes)
    for file in kept():
        file.unlink()


def test_a_file_that_is_no_search_is_left_aside(program, interrupted):
    (file,) = kept()
    file.write_bytes(b"nothing of the kind")
    result = explore(link(), program, "step", engine="compiled")
    assert numbers(result) == numbers(explore(link(), program, "step", engine="interpreted"))
    file.unlink()
