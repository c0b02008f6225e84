"""The properties that a kernel is judged by: name, sentence, and how each is judged.

- A function of the state (explore/properties.py and `@always` functions of a design) is judged in
  every state, one named `..._at_end` in final states only.
- An access that breaks a promise says so itself while it runs: a bit of `st.broken`.
- `no-deadlock` and `progress` are judged by the search.

One property may be judged in several of these ways.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import getdoc, isfunction
from typing import TYPE_CHECKING, Any

from pagefault import consts
from pagefault.errors import Place

if TYPE_CHECKING:
    from pagefault.link import Kernel

__all__ = ["DEADLOCK", "PROGRESS", "Holds", "Promise", "check_names", "promises"]

DEADLOCK = "no-deadlock"
PROGRESS = "progress"

Holds = Callable[[Any], Any]

_PROPERTIES = "pagefault.explore.properties"
_AT_END = "_at_end"

_SENTENCES = {
    "no-use-after-free": "No access goes through a PTE, TLB entry, pin or kernel address to a "
    "folio that was freed since it was made.",
    "private": "No task observes another's private data written after they parted, but through "
    "a reference that the owner gave away itself.",
    "no-lost-write": "A completed store or DMA write is seen by the next load of the same "
    "address space.",
    "no-stale-tlb": "When a call that takes rights away has returned, no CPU can use them still.",
    "counts": "No count underflows, nothing is leaked at the end, and the refcount covers every "
    "holder.",
    "exclusive-until-unpinned": "No page ceases to be anon-exclusive while it is pinned, or while "
    "GUP-fast may pin it.",
    "rmap-after-flush": "When a page is replaced, its rmap goes only after the flush.",
    "stable": "What a parser in the kernel has checked is what it uses.",
    "tracked": "After a clear of soft-dirty or a write-protection by userfaultfd, no write of the "
    "address space goes unreported.",
    "clean-if-unwritten": "After a clear of soft-dirty, a page that nobody writes is not reported.",
    "file-intact": "No write through private memory, nor one that is forced, reaches a file.",
    "kernel-address": "An address that the kernel uses is mapped, and to its own frame.",
    "never-written-out": "Nothing that stands in droppable memory is written to swap.",
    "last-or-zero": "A load of droppable memory sees the last store, or zero, and after a zero no "
    "other value until somebody stores.",
    "wiped-on-fork": "Nobody sees in droppable memory what another address space stored there.",
    "kept-while-pinned": "No page of droppable memory is discarded while it is pinned.",
    "secret-is": "Nobody reads what was stored into exclusive memory but by a mapping that he was "
    "given, nor does it go to swap or to the next owner of the page.",
    "no-oops": "The kernel never faults on a page of its own direct map.",
    DEADLOCK: "It never happens that nobody can move though not all are done.",
    PROGRESS: "From every state an end can be reached.",
}


@dataclass(frozen=True)
class Promise:
    """One property. Any of the ways to judge it may be empty.

    always: functions of the state that give truth when the promise holds, in every state;
    at_end: the same, in final states; bit: its bit in `st.broken`, None if no access breaks it.
    """

    name: str
    sentence: str
    always: tuple[Holds, ...] = ()
    at_end: tuple[Holds, ...] = ()
    bit: int | None = None


def promises(kernel: Kernel) -> tuple[Promise, ...]:
    """Every property that `kernel` promises, in order of name."""
    always, at_end, sentences = _functions(kernel)
    bits = _bits()
    names = {*always, *at_end, *bits, DEADLOCK, PROGRESS} - set(kernel.not_promised)
    return tuple(
        Promise(
            name=name,
            sentence=sentences.get(name) or _SENTENCES.get(name, ""),
            always=tuple(always.get(name, ())),
            at_end=tuple(at_end.get(name, ())),
            bit=bits.get(name),
        )
        for name in sorted(names)
    )


NOWHERE = Place()


def check_names(kernel: Kernel, names: Iterable[str], place: Place = NOWHERE) -> None:
    """LitmusError, at `place`, if a name is of no property that `kernel` promises."""
    promised = {promise.name for promise in promises(kernel)}
    for name in names:
        if name in kernel.not_promised:
            raise place.error(
                f"the design {kernel.name} does not promise {name}: there is nothing to break",
                hint="see NOT_PROMISED in its file and in its parts",
            )
        if name not in promised:
            raise place.error(
                f"there is no property {name!r}",
                hint=f"the properties are {', '.join(sorted(promised))}",
            )


def _bits() -> dict[str, int]:
    return {
        name.removeprefix("PROP_").lower().replace("_", "-"): value
        for name, value in vars(consts).items()
        if name.startswith("PROP_")
    }


Functions = tuple[dict[str, list[Holds]], dict[str, list[Holds]], dict[str, str]]


def _sort(functions: dict[str, Holds]) -> Functions:
    always: dict[str, list[Holds]] = {}
    at_end: dict[str, list[Holds]] = {}
    sentences: dict[str, str] = {}
    for name, function in functions.items():
        name_of_property = name.removesuffix(_AT_END).replace("_", "-")
        (at_end if name.endswith(_AT_END) else always).setdefault(name_of_property, []).append(
            function
        )
        sentence = " ".join((getdoc(function) or "").split("\n\n")[0].split())
        sentences.setdefault(name_of_property, sentence)
    return always, at_end, sentences


def _functions(kernel: Kernel) -> Functions:
    """As the kernel has them linked, so that what a design overrides is judged as it runs."""
    linked = {name: kernel.function(name) for name in _plain_functions()}
    return _sort({**linked, **kernel.properties})


def _plain_functions() -> dict[str, Holds]:
    return {
        name: f
        for name, f in vars(importlib.import_module(_PROPERTIES)).items()
        if isfunction(f) and f.__module__ == _PROPERTIES and not name.startswith("_")
    }
