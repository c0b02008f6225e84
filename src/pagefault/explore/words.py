"""The record as bytes and words: where leaves stand, which bits name frames or hold control."""

from __future__ import annotations

import math
import mmap
import os
import re
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pagefault import jit
from pagefault.consts import PAGE_TABLE, PFN_SHIFT, PTE_HAS_PFN
from pagefault.errors import PagefaultError
from pagefault.explore.canonical import RECORDS
from pagefault.layout import LEAF_INDEX, LEAVES, STATE
from pagefault.link.watch import LOCAL

APART = 128
"""Bytes that processors fetch together, at most."""


def offset(path: str) -> int:
    """The byte of the record that a leaf begins at."""
    dtype, at = STATE, 0
    for name, index in re.findall(r"(\w+)(?:\[(\d+)\])?", path):
        assert dtype.fields is not None
        dtype, offset = dtype.fields[name][:2]
        at += offset
        if index:
            at += int(index) * dtype.base.itemsize
            dtype = dtype.base
    return at


OFFSETS = np.array([(offset(leaf.path), int(leaf.code[1:])) for leaf in LEAVES], dtype=np.int64)
WORDS = -(-STATE.itemsize // 8)


def decode(words: np.ndarray[Any, Any]) -> list[int]:
    """The flat list of a state's record, given as words."""
    raw = words.view(np.uint8).astype(np.int64)
    at, width = OFFSETS[:, 0], OFFSETS[:, 1]
    value = raw[at]
    for i in (1, 2, 3):
        wide = width > i
        value[wide] |= raw[at[wide] + i] << (8 * i)
    half = np.int64(1) << (8 * width - 1)
    result: list[int] = np.where(value >= half, value - 2 * half, value).tolist()
    return result


def encode(leaves: Sequence[int], raw: np.ndarray[Any, Any]) -> None:
    """The inverse of decode(), into the bytes of a record. OverflowError where one does not fit."""
    value = np.array(leaves, dtype=np.int64)
    at, width = OFFSETS[:, 0], OFFSETS[:, 1]
    half = np.left_shift(1, 8 * width - 1)
    for i in np.flatnonzero((value < -half) | (value >= half)):
        raise OverflowError(f"{LEAVES[i].path} = {value[i]} does not fit {LEAVES[i].code}")
    for byte in range(4):
        wide = width > byte
        raw[at[wide] + byte] = value[wide] >> 8 * byte & 255


def record_of(st: Any) -> tuple[Any, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A state as an array of one record, the words of the same memory, and those of its marks.

    Around both lies room, so that a wild index of a wrong kernel does no harm.
    """
    memory = lazy_zeros((4 * jit.SHADOW // 8,), np.uint64)
    words = memory[jit.SHADOW // 8 :][:WORDS]
    marks = memory[2 * jit.SHADOW // 8 :][:WORDS]
    encode(st.leaves, words.view(np.uint8))
    return words.view(np.uint8)[: STATE.itemsize].view(STATE), words, marks


def lazy_zeros(
    shape: tuple[int, ...], dtype: Any, *, huge: bool = False, disk: Path | None = None
) -> np.ndarray[Any, np.dtype[Any]]:
    """np.zeros() for what is large: nothing is written before it is used. In huge pages if it is
    looked into at random; in a nameless file in the folder `disk`, if that is given, so that there
    may be more of it than memory. PagefaultError if there is no room for the file."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if disk is not None:
        return np.frombuffer(_on_disk(size, disk), dtype=dtype).reshape(shape)
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if huge and size >= 1 << 22:
        memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, dtype=dtype).reshape(shape)


def _on_disk(size: int, folder: Path) -> mmap.mmap:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)  # a full disk is an error here, not a SIGBUS
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise PagefaultError(
            f"error: {folder}: no place there for {size / 1e6:.0f} MB of states: {error.strerror}\n"
            "hint: name another folder by --disk"
        ) from None


def private_zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """np.zeros() for what one thread writes all the time: in no line of the cache with anything
    else, so that no other thread must wait for it."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(size + 3 * APART, dtype=np.uint8)
    start = 2 * APART - memory.ctypes.data % APART
    own: np.ndarray[Any, np.dtype[Any]] = memory[start:][:size].view(dtype).reshape(shape)
    return own


def longer(array: np.ndarray[Any, Any], room: int, fill: int = 0) -> np.ndarray[Any, Any]:
    """A copy with room for more."""
    longer = np.full(room, fill, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


def word_of(path: str) -> int:
    """The word of the record that a leaf begins."""
    at = int(OFFSETS[LEAF_INDEX[path], 0])
    assert at % 8 == 0, "frames stand on words"
    return at // 8


@cache
def control_bits(t: int) -> np.ndarray[Any, Any]:
    """The bits of the record that are the control state of task `t`."""
    raw = np.zeros(WORDS * 8, dtype=np.uint8)
    for i, leaf in enumerate(LEAVES):
        parts = leaf.path.split(".")
        if parts[0] == f"task[{t}]" and parts[1].split("[")[0] in LOCAL:
            raw[OFFSETS[i, 0] : OFFSETS[i].sum()] = 255
    return raw.view(np.uint64)


def table_of(leaves: Sequence[int]) -> np.ndarray[Any, Any]:
    """Rows of offset, width and whether it is a PTE. Shape (leaves, 3)."""
    rows = [(OFFSETS[i, 0], OFFSETS[i, 1], LEAVES[i].kind == "pte") for i in leaves]
    return np.array(rows, dtype=np.int64).reshape(len(rows), 3)


IN_RECORD = frozenset(i for record in RECORDS for i in record)
MENTIONS = PTE_HAS_PFN | PAGE_TABLE | 0xFF << PFN_SHIFT


def words_of(leaves: Sequence[int]) -> list[int]:
    """The words that these leaves fill."""
    return sorted(
        {int(w) for i in leaves for w in (OFFSETS[i, 0] // 8, (OFFSETS[i].sum() - 1) // 8)}
    )


def naming_bits(used: set[int]) -> np.ndarray[Any, Any]:
    """The bits of the record, but for registers, that say which frames are named in which order."""
    raw = np.zeros(WORDS * 8, dtype=np.uint8)
    for i in used:
        leaf = LEAVES[i]
        at, width = (int(x) for x in OFFSETS[i])
        if leaf.kind or leaf.path.endswith("].order"):
            mask = MENTIONS if leaf.kind == "pte" else 0xFF
            for k in range(width):
                raw[at + k] = mask >> 8 * k & 255
    return raw.view(np.uint64)


def record_bits() -> np.ndarray[Any, Any]:
    """The bits of the frames' own records."""
    raw = np.zeros(WORDS * 8, dtype=np.uint8)
    for i in IN_RECORD:
        raw[OFFSETS[i, 0] : OFFSETS[i].sum()] = 255
    return raw.view(np.uint64)


def last_frame() -> np.ndarray[Any, Any]:
    """By word of the record: the last frame whose own records it holds a part of, 0 if none."""
    last = np.zeros(WORDS, dtype=np.int64)
    for p, record in enumerate(RECORDS):
        for i in record:
            for at in (OFFSETS[i, 0], OFFSETS[i].sum() - 1):
                last[at // 8] = max(last[at // 8], p)
    return last
