"""What can be asked of a driver by a system call, and what of none."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pagefault.lang.program import File, FileCell, FileName, Program, Statement, Words

__all__ = ["DRIVERS", "closes_a_driver", "no_call"]

DRIVERS = ("io_uring", "packet", "bpf", "ringbuf", "arena", "perf", "fb", "pcm")
"""The kinds of files that are drivers'."""

_NO_DEVICE: Mapping[str, str] = MappingProxyType(
    {
        "fb": "a display whose frame buffer is in memory, such as one by USB",
        "pcm": "a sound card",
    }
)
"""By kind: what there would have to be."""

_ANSWERS: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("ioctl", "discard"): ("io_uring", "packet"),
        ("ioctl", "realloc"): ("io_uring", "packet"),
        ("kread", ""): ("bpf",),
        ("kwrite", ""): ("bpf",),
    }
)
"""By verb and word: the kinds that have a system call for it."""

_ASKED: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("ioctl", "discard"): "frees its buffer when it is told to",
        ("ioctl", "realloc"): "frees its buffer when it is told to",
        ("ioctl", "send"): "keeps what it sends until it is told to let it go",
        ("kread", ""): "reads its buffer when it is told to",
        ("kwrite", ""): "writes its buffer when it is told to",
    }
)
"""By verb and word: what a driver would have to do."""


def no_call(program: Program, statement: Statement) -> str:
    """Why no system call does this with the driver that the statement names; "" if one does."""
    file = _file_of(program, statement)
    if file is None or file.kind not in DRIVERS:
        return ""
    if file.kind in _NO_DEVICE:
        what = _NO_DEVICE[file.kind]
    else:
        words = (word for arg in statement.args if isinstance(arg, Words) for word in arg.words)
        asked = statement.verb, next(words, "") if statement.verb == "ioctl" else ""
        if asked not in _ASKED or file.kind in _ANSWERS.get(asked, ()):
            return ""
        what = f"a driver ({file.kind}) that {_ASKED[asked]}"
    return f"{statement.verb}() needs {what}; there is no statement for it"


def closes_a_driver(program: Program) -> bool:
    """Whether a driver may lose its last descriptor."""
    for statement in (s for task in program.tasks for s in task.statements):
        file = _file_of(program, statement)
        if statement.verb == "close" and file is not None and file.kind in DRIVERS:
            return True
    return False


def _file_of(program: Program, statement: Statement) -> File | None:
    for arg in statement.args:
        if isinstance(arg, FileName | FileCell):
            return next(file for file in program.files if file.name == arg.name)
    return None
