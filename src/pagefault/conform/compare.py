"""One schedule, two answers: what differs, place by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pagefault.live.outcome import Outcome, Status, signal_name, value_name

__all__ = ["Difference", "differences"]


@dataclass(frozen=True)
class Difference:
    """One place at which model and kernel differ: `C:r0`, `P:A[1]`, `P:A@`, `P:signal` or `end`.

    `P:A@` is the frame of a page: by small numbers, 0 the zero page, `-` none. `end` is how far
    the schedule got.
    """

    place: str
    model: str
    kernel: str


def differences(model: Sequence[Outcome], kernel: Outcome) -> tuple[Difference, ...]:
    """Where the kernel's outcome differs from the model's; nothing if it is one of them.

    With several of the model's, the nearest counts. What the kernel does not tell (cells where
    process_vm_readv(2) is forbidden, frames that are hidden) is not compared.
    """
    found = [_between(outcome, kernel) for outcome in model]
    return min(found, key=len, default=(Difference("end", "nothing", _end(kernel)),))


def _between(model: Outcome, kernel: Outcome) -> tuple[Difference, ...]:
    if (model.status, model.moves) != (kernel.status, kernel.moves):
        return (Difference("end", _end(model), _end(kernel)),)
    found = [
        Difference(place, *map(value_name, pair))
        for place, *pair in _pairs(model.registers, kernel.registers, 0)
    ]
    found += [
        Difference(f"{task}:signal", *map(_signal, pair))
        for task, *pair in _pairs(model.signals, kernel.signals, 0)
    ]
    if kernel.cells:
        for page in model.cells:
            found += _cells(page, model.cells[page], kernel.cells.get(page))
    if kernel.frames:
        found += [
            Difference(f"{page}@", _frame(model.frames[page]), _frame(kernel.frames.get(page)))
            for page in model.frames
            if model.frames[page] != kernel.frames.get(page)
        ]
    if not found and kernel.cells and model.holds != kernel.holds:
        found = [Difference("condition", str(model.holds).lower(), str(kernel.holds).lower())]
    return tuple(found)


def _pairs(
    model: Mapping[str, int], kernel: Mapping[str, int], default: int
) -> list[tuple[str, int, int]]:
    """The places of either whose values differ, with both values."""
    places = [*model, *(place for place in kernel if place not in model)]
    pairs = [(p, model.get(p, default), kernel.get(p, default)) for p in places]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _cells(
    page: str, model: tuple[int, ...] | None, kernel: tuple[int, ...] | None
) -> list[Difference]:
    if model is None or kernel is None:
        return [] if model == kernel else [Difference(page, _values(model), _values(kernel))]
    return [
        Difference(f"{page}[{n}]", str(a), str(b))
        for n, (a, b) in enumerate(zip(model, kernel, strict=True))
        if a != b
    ]


def _values(cells: tuple[int, ...] | None) -> str:
    return "-" if cells is None else ",".join(map(str, cells))


def _frame(number: int | None) -> str:
    return "-" if number is None else str(number)


def _signal(number: int) -> str:
    return signal_name(number) if number else "none"


def _end(outcome: Outcome) -> str:
    if outcome.status is Status.DONE:
        return "done"
    if outcome.status is Status.UNABLE:
        return outcome.why
    where = f"{outcome.status.value} at move {outcome.moves + 1}"
    return f"{where}: {outcome.why}" if outcome.status is Status.CRASHED else where
