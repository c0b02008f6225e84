"""A linked kernel: the baseline with one design laid over it, ready to run."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pagefault.link.baseline import emitted
from pagefault.link.emit import Emitted, EmittedPath, emit, file_text
from pagefault.link.files import load, module_name
from pagefault.link.overlay import Overlay
from pagefault.link.source import Function, Symbols, did_you_mean

Step = Callable[[Any, int], int]
NO_PATH = 0
"""The path id of a frame that is not in use."""


@dataclass(frozen=True, eq=False)
class Path:
    """A preemptible function of a kernel, as its emitted form has it.

    `step(st, t)` runs the top frame of task `t` from its pc to its next stop and returns one of
    consts.YIELDED, BLOCKED, WAITING, CALLED, RETURNED. `params` are the names after `st, t`, which
    the caller puts into the first registers. `registers` and `kinds` ("pfn", "pte" or "") say what
    each register holds; locals that share one are joined by "/". By pc: `labels` of the switch
    points, `callees` that return to it, and `lines` in `file` for all.
    """

    name: str
    id: int
    step: Step = field(repr=False)
    params: tuple[str, ...]
    registers: tuple[str, ...]
    kinds: tuple[str, ...] = field(repr=False)
    labels: Mapping[int, str] = field(repr=False)
    callees: Mapping[int, str] = field(repr=False)
    lines: Mapping[int, int] = field(repr=False)
    function: Function = field(repr=False)

    @property
    def file(self) -> str:
        """The source file as people name it, e.g. "mm/memory.py"."""
        return self.function.home

    @property
    def line(self) -> int:
        """The line of its `def` in that file."""
        return self.function.line

    @property
    def doc(self) -> str:
        """Its docstring; the first line holds the anchor, "mm/memory.c do_wp_page(), v6.12"."""
        return self.function.doc


@dataclass(frozen=True, eq=False)
class Kernel:
    """One linked kernel.

    `overrides` are the functions that its design and its `parts` replace. `paths` is indexed by
    path id; id 0 is unused. Ids of the baseline's paths are the same in every kernel. `properties`
    are the design's own, emitted.
    """

    name: str
    idea: str
    doc: str
    parts: tuple[str, ...]
    overrides: Mapping[str, Function]
    not_promised: frozenset[str]
    paths: tuple[Path | None, ...]
    properties: Mapping[str, Callable[[Any], int]]
    symbols: Symbols = field(repr=False)
    calls: Mapping[str, frozenset[str]] = field(repr=False)
    """By function: the functions that it calls."""
    texts: Mapping[str, str] = field(repr=False)
    """By function: what was emitted for it."""
    _plain: Mapping[str, Callable[..., Any]] = field(repr=False)
    _path_ids: Mapping[str, int] = field(repr=False)

    def __repr__(self) -> str:
        overrides = ", ".join(sorted(self.overrides)) or "nothing"
        return f"<Kernel {self.name}: {len(self.paths) - 1} paths, overrides {overrides}>"

    def function(self, name: str) -> Callable[..., Any]:
        """The emitted plain function of this name. KeyError if there is none."""
        try:
            return self._plain[name]
        except KeyError:
            hint = did_you_mean(name, self._plain) or "see mm/ and hw/"
            kind = "a generator" if name in self._path_ids else "unknown"
            raise KeyError(f"no plain function {name} ({kind}); {hint}") from None

    def path(self, name: str) -> Path:
        """The path of this name. KeyError if there is none."""
        try:
            path = self.paths[self._path_ids[name]]
        except KeyError:
            hint = did_you_mean(name, self._path_ids) or "see mm/ and hw/"
            raise KeyError(f"no path {name}; {hint}") from None
        assert path is not None
        return path

    def reachable(self, names: Iterable[str]) -> set[str]:
        """These functions and all that they call, directly or not."""
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.calls[name]
        return found

    def generators(self) -> dict[str, Callable[..., Any]]:
        """The original functions, plain and generators, linked together but not rewritten.

        This is the oracle: slow, obvious, and by construction what the source says.
        """
        return dict(self._originals)

    @cached_property
    def _originals(self) -> dict[str, Callable[..., Any]]:
        namespaces: dict[Any, dict[str, Any]] = {}
        linked: dict[str, Callable[..., Any]] = {}
        for name, function in self.symbols.functions.items():
            module = function.module
            if module not in namespaces:
                names = self.symbols.known(module)
                constants = {n: self.symbols.constant(module, n) for n in sorted(names)}
                namespaces[module] = {
                    "__builtins__": builtins,
                    "__name__": f"pagefault original {module.home}",
                    **{n: v for n, v in constants.items() if v is not None},
                }
            namespace = namespaces[module]
            code = compile(_original(function), str(function.file), "exec")
            exec(code, namespace)
            linked[name] = namespace.pop(function.node.name)
        for namespace in namespaces.values():
            namespace.update(linked)
        return linked


def _original(function: Function) -> ast.Module:
    """The function alone, without its decorators."""
    node = function.node
    bare = ast.FunctionDef(
        **{name: value for name, value in ast.iter_fields(node) if name != "decorator_list"},
        decorator_list=[],
    )
    return ast.Module([ast.copy_location(bare, node)], [])


def build(overlay: Overlay) -> Kernel:
    """Emit, write and load every function of a checked overlay."""
    symbols = overlay.symbols
    functions = symbols.functions
    baseline, texts_of = symbols.sources.functions, emitted(symbols.sources)
    ours = {
        name: texts_of[name] if baseline.get(name) is f else emit(f, symbols)
        for name, f in functions.items()
    }
    ids = _path_ids(overlay)
    modules: dict[str, str] = {}
    loaded: dict[str, Callable[..., Any]] = {}
    texts: dict[str, str] = {}
    for name in _callees_first(ours, functions):
        e = ours[name]
        text = file_text(e, modules, ids)
        texts[name] = text
        modules[name] = module_name(name, text)
        loaded[name] = load(modules[name], name, text)
    paths: list[Path | None] = [None] * (len(ids) + 1)
    for name, number in ids.items():
        e = ours[name]
        assert isinstance(e, EmittedPath)
        paths[number] = Path(
            name=name,
            id=number,
            step=loaded[name],
            params=functions[name].params[2:],
            registers=e.registers,
            kinds=e.kinds,
            labels=e.labels,
            callees=e.callees,
            lines=e.lines,
            function=functions[name],
        )
    return Kernel(
        name=overlay.name,
        idea=overlay.module.idea,
        doc=overlay.module.doc,
        parts=tuple(overlay.parts),
        overrides=overlay.overrides,
        not_promised=overlay.not_promised,
        paths=tuple(paths),
        properties={name: loaded[name] for name in overlay.properties},
        symbols=symbols,
        calls={name: e.calls | e.paths for name, e in ours.items()},
        texts=texts,
        _plain={name: f for name, f in loaded.items() if name not in ids},
        _path_ids=ids,
    )


def _path_ids(overlay: Overlay) -> dict[str, int]:
    baseline = overlay.symbols.sources.functions
    names = sorted(n for n, f in baseline.items() if f.is_generator)
    names += sorted(n for n, f in overlay.private.items() if f.is_generator)
    return {name: i for i, name in enumerate(names, start=NO_PATH + 1)}


def _callees_first(
    emitted: Mapping[str, Emitted], functions: Mapping[str, Function]
) -> Iterator[str]:
    """All names, each behind the plain functions that it calls."""
    order = TopologicalSorter({name: sorted(e.calls) for name, e in sorted(emitted.items())})
    try:
        return iter(list(order.static_order()))
    except CycleError as e:
        names = e.args[1]
        function = functions[names[0]]
        raise function.module.error(
            f"plain functions call themselves: {' -> '.join(reversed(names))}",
            function.node,
            "only generators may recurse",
        ) from None


@dataclass(frozen=True)
class SourceDiff:
    """A function that two kernels have differently; None where one has none of this name."""

    name: str
    a: Function | None
    b: Function | None


def link_source_diff(a: Kernel, b: Kernel) -> list[SourceDiff]:
    """The functions whose source differs between two kernels, by name."""
    fa, fb = a.symbols.functions, b.symbols.functions
    diffs = [SourceDiff(n, fa.get(n), fb.get(n)) for n in sorted({*fa, *fb})]
    return [d for d in diffs if d.a is None or d.b is None or d.a.source != d.b.source]
