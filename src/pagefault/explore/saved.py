"""A compiled search that was interrupted, kept on disk so that the same search can go on.

One file of arrays in the cache folder, named by a hash over all that the search depends on: the
machine code that it runs, the program, the grain. What is remembered of steps is not kept.
"""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pagefault.explore import remembered
from pagefault.explore.workers import FIRST_ROOM, FIRST_VALUES, Array
from pagefault.link.files import folder

if TYPE_CHECKING:
    from pagefault.explore.compiled import CompiledSearch
    from pagefault.explore.workers import Shared

__all__ = ["Interrupts", "forget", "resume", "save"]

KIND = "searches"
_OF_BITS = ("bit_of", "naming", "renaming", "count")
_OF_CONTROL = ("rows", "task", "used", "names", "count")
_OF_STATES = ("arena", "parent", "onward", "flags", "mentioned")
_OF_VALUES = ("rows", "judged")
_OF_MEMORY = (
    *(remembered.ROWS, remembered.OUTS, remembered.MASKS, remembered.RENAMINGS),
    remembered.NODES,
)


class Interrupts:
    """Ctrl-C while a search runs: noted, so that it can stop where it is whole."""

    def __init__(self) -> None:
        self.came = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Only note it, the first time, while the block runs."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        old = signal.getsignal(signal.SIGINT)
        if not callable(old):  # ignored, or not Python's
            yield
            return

        def note(*_: object) -> None:
            self.came = True
            signal.signal(signal.SIGINT, old)

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, old)


def _file(search: CompiledSearch) -> Path:
    digest = hashlib.sha256(search.identity().encode()).hexdigest()
    return folder(KIND) / f"{digest[:32]}.npz"


def save(search: CompiledSearch) -> Path | None:
    """Keep a search. Returns the file; None if such a search is not kept, or there is no room."""
    if search.cores > 1 or search.is_reduced:
        return None
    shared, meta = search.shared, search.workers[0].meta
    rows = (
        ("", shared.bits, _OF_BITS, None),
        ("control_", shared.control, _OF_CONTROL, shared.control.count[0]),
        ("states_", shared.states, _OF_STATES, meta[remembered.COUNT]),
        ("values_", shared.values, _OF_VALUES, meta[remembered.VALUES]),
    )
    arrays = {
        prefix + name: getattr(part, name)[:count]
        for prefix, part, names, count in rows
        for name in names
    }
    file = _file(search)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(suffix=".npz", dir=file.parent)
        with os.fdopen(descriptor, "wb") as out:
            np.savez(out, meta=meta, team=shared.team, first=search.workers[0].first, **arrays)
        Path(temporary).replace(file)
    except OSError:
        return None
    return file


def forget(search: CompiledSearch) -> None:
    """The search came to its end: nothing is kept of it."""
    with suppress(OSError):
        _file(search).unlink(missing_ok=True)


def resume(search: CompiledSearch) -> bool:
    """Let a search that has not begun go on from where it was interrupted, if it was."""
    if search.cores > 1:
        return False
    try:
        with np.load(_file(search)) as kept:
            arrays = {name: kept[name] for name in kept.files}
    except (OSError, ValueError, EOFError, KeyError):
        return False
    worker = search.workers[0]
    memory = worker.meta[list(_OF_MEMORY)]
    worker.meta[:] = arrays["meta"]
    worker.meta[list(_OF_MEMORY)] = memory
    worker.first[:] = arrays["first"]
    _take_shared(search.shared, arrays)
    worker.fit_key()
    worker.forget(len(worker.memo.index))
    meta = worker.meta
    search.core.refill_control(
        search.shared.where, search.shared.control, int(search.shared.control.count[0])
    )
    search.core.refill_values(search.shared.values, int(meta[remembered.VALUES]), 0, 1)
    search.refill_states(len(search.shared.states.table))
    return True


def _take_shared(shared: Shared, arrays: dict[str, Array]) -> None:
    meta = arrays["meta"]
    while shared.words < len(arrays["naming"]):
        shared.grow_key()
    for name in _OF_BITS:
        getattr(shared.bits, name)[:] = arrays[name]
    numbered = arrays["bit_of"][: int(meta[remembered.BITS])]
    shared.bits.number_of[numbered] = np.arange(len(numbered))
    shared.team[:] = arrays["team"]
    shared.numbered = bool(meta[remembered.NUMBERED])
    shared.fit_control(len(arrays["control_task"]))
    shared.control.table[:] = 0
    slack = 4 * remembered.MAX_SUCCESSORS
    shared.make_states(max(FIRST_ROOM, 2 * len(arrays["states_parent"]) + slack), 0)
    shared.make_values(max(FIRST_VALUES, 2 * len(arrays["values_judged"]) + slack), 0)
    for prefix, part, names in (
        ("control_", shared.control, _OF_CONTROL),
        ("states_", shared.states, _OF_STATES),
        ("values_", shared.values, _OF_VALUES),
    ):
        for name in names:
            array = arrays[prefix + name]
            getattr(part, name)[: len(array)] = array
