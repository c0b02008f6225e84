"""Designs: finding them, reading them, and laying one over the baseline.

A design is a file in the folder of designs, or anywhere. Its functions replace functions of the
baseline by name, as a C linker treats `__weak`; functions whose name starts with `_` are its own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pagefault.errors import DesignError
from pagefault.link.baseline import emitted
from pagefault.link.check import check, gives_value
from pagefault.link.source import (
    MAX_NAME,
    Baseline,
    Function,
    Module,
    Sources,
    Symbols,
    did_you_mean,
    load,
    parse,
    read,
)

MAINLINE = "mainline"


@dataclass(frozen=True)
class DesignInfo:
    """A design as a list shows it. `is_part`: made to be named in another design's PARTS."""

    name: str
    idea: str
    path: Path
    is_part: bool


@dataclass(eq=False)
class Overlay:
    """A design laid over the baseline, checked."""

    name: str
    module: Module
    parts: dict[str, Module]
    symbols: Symbols
    overrides: dict[str, Function] = field(default_factory=dict)
    private: dict[str, Function] = field(default_factory=dict)
    properties: dict[str, Function] = field(default_factory=dict)
    not_promised: frozenset[str] = frozenset()


def design_name(file: Path) -> str:
    """The name that a file gives its design: "linux_5_10.py" is "linux-5.10"."""
    return re.sub(r"(?<=\d)_(?=\d)", ".", file.stem).replace("_", "-")


def design_files(baseline: Baseline) -> dict[str, tuple[Path, bool]]:
    """The designs of a baseline by name, and whether each is a part."""
    folders = (baseline.designs, baseline.designs / "parts")
    return _design_files(folders, tuple(_last_change(folder) for folder in folders))


def _last_change(folder: Path) -> int:
    """When a file was last added or taken away, in ns; 0 where there is no such folder."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=8)
def _design_files(
    folders: tuple[Path, Path], changes: tuple[int, ...]
) -> dict[str, tuple[Path, bool]]:
    found: dict[str, tuple[Path, bool]] = {}
    for folder, is_part in zip(folders, (False, True), strict=True):
        for file in sorted(folder.glob("*.py")):
            if file.name == "__init__.py":
                continue
            name = design_name(file)
            if name in found:
                raise DesignError(f"{found[name][0]} is also called {name}", file)
            found[name] = file, is_part
    return found


def list_designs(baseline: Baseline) -> list[DesignInfo]:
    """All designs of a baseline: mainline, the others by name, then the parts."""
    infos = []
    sources = load(baseline)
    for name, (file, is_part) in design_files(baseline).items():
        module = _module(file, baseline, sources)
        infos.append(DesignInfo(name, module.idea, file, is_part))
    return sorted(infos, key=lambda i: (i.is_part, i.name != MAINLINE, _natural(i.name)))


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts linux-5.7 before linux-5.10."""
    return [(int(x), "") if x.isdigit() else (-1, x) for x in re.split(r"(\d+)", name)]


def find_design(design: str | Path, baseline: Baseline) -> Path:
    """The file of a design given by name or by path. DesignError if there is none."""
    if isinstance(design, Path) or design.endswith(".py") or "/" in design:
        file = Path(design)
        if file.suffix != ".py":
            raise DesignError("a design is a .py file", file)
        if not file.is_file():
            raise DesignError("there is no such file", file)
        return file.resolve()
    files = design_files(baseline)
    if design not in files:
        raise DesignError(
            f"there is no design {design!r}",
            hint=did_you_mean(design, files) or "`pagefault designs` lists them",
        )
    return files[design][0]


def find_designs(design: str | Path, baseline: Baseline) -> tuple[Path, ...]:
    """The file of a design and those of parts that its name adds, as in "mainline+classic-lru"."""
    if isinstance(design, Path) or design.endswith(".py") or "/" in design:
        return (find_design(design, baseline),)
    return tuple(find_design(name, baseline) for name in design.split("+"))


def design_closure(
    file: Path, baseline: Baseline, sources: Sources, more: Sequence[Path] = ()
) -> Iterator[Path]:
    """The file of a design, those of its parts, and of `more` parts."""
    yield file
    module = _module(file, baseline, sources)
    for part in module.lists.get("PARTS", ()):
        yield _part_file(part, module, baseline)
    yield from more


def _module(file: Path, baseline: Baseline, sources: Sources) -> Module:
    try:
        home = str(file.relative_to(baseline.designs.parent))
    except ValueError:
        home = file.name
    text = read(file, True)
    key = ("design", file, text)
    if key not in sources.cache:
        sources.cache[key] = parse(file, home, text, True, sources.constants)
    module = sources.cache[key]
    assert isinstance(module, Module)
    return module


def _part_file(part: str, module: Module, baseline: Baseline) -> Path:
    files = design_files(baseline)
    if part in files and part != MAINLINE:
        return files[part][0]
    beside = module.file.parent / part
    if beside.suffix == ".py" and beside.is_file():
        return beside.resolve()
    known = set(files) - {MAINLINE}
    raise module.error(
        f"there is no part {part!r}",
        module.list_nodes["PARTS"],
        did_you_mean(part, known) or "a name from `pagefault designs`, or a path beside this file",
    )


def lay_over(
    file: Path, baseline: Baseline, sources: Sources, more: Sequence[Path] = ()
) -> Overlay:
    """Read a design with its parts, and `more` parts, and lay it over the baseline.

    DesignError if it does not fit.
    """
    module = _module(file, baseline, sources)
    parts: dict[str, Module] = {}
    _, *files = design_closure(file, baseline, sources, more)
    for part in (_module(f, baseline, sources) for f in files):
        if (name := design_name(part.file)) in parts:
            raise module.error(f"part {name} is named twice", module.list_nodes.get("PARTS", 1))
        if "PARTS" in part.lists:
            raise part.error(
                f"a part may not have PARTS of its own, and {module.home} uses this one",
                part.list_nodes["PARTS"],
                "the list is flat: name those parts in the design itself",
            )
        parts[name] = part
    symbols = Symbols(sources, dict(sources.functions))
    name = "+".join(map(design_name, (file, *more)))
    overlay = Overlay(name, module, parts, symbols)
    for m in (module, *parts.values()):
        _add(overlay, m, property_names(baseline, sources))
    _check_all(overlay)
    overlay.not_promised = _not_promised(overlay, baseline)
    return overlay


def _add(overlay: Overlay, module: Module, taken: Collection[str]) -> None:
    """Add one file's functions. `taken`: the names of properties that are the package's own."""
    if not module.doc.strip():
        raise module.error(
            "a design begins with a docstring",
            1 if module.lines else None,
            "its first line says the idea; then who proposed it, where, what it claims and costs",
        )
    sources = overlay.symbols.sources
    replaces = False
    mangled: dict[str, str] = {}
    own = re.sub(r"\W", "_", module.file.stem)
    if len(own.encode()) > MAX_NAME:
        raise DesignError(
            f"a file name of {len(own)} characters", module.file, hint=f"{MAX_NAME} are the most"
        )
    for name in module.functions:
        if name.startswith("_") and name not in sources.functions:
            mangled[name] = f"{name}__{own}"
    for name, node in module.functions.items():
        always = _is_always(module, node)
        linked = Function(mangled.get(name, name), _renamed(node, mangled), module)
        if always:
            _add_property(overlay, linked, taken)
        elif name in mangled:
            overlay.private[linked.name] = linked
        else:
            replaces = True
            _override(overlay, linked)
            continue
        overlay.symbols.functions[linked.name] = linked
    if not (replaces or module.lists.get("PARTS") or design_name(module.file) == MAINLINE):
        raise module.error(
            "this design replaces nothing",
            1,
            "define a function of mm/ or hw/ anew, with its name and parameters, or name PARTS",
        )


def _renamed(node: ast.FunctionDef, mangled: dict[str, str]) -> ast.FunctionDef:
    """The function with calls of the file's private helpers under their linked names."""
    for n in ast.walk(node):
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name):
            n.func.id = mangled.get(n.func.id, n.func.id)
    return node


def _is_always(module: Module, node: ast.FunctionDef) -> bool:
    for decorator in node.decorator_list:
        if not (isinstance(decorator, ast.Name) and decorator.id == "always"):
            raise module.error(
                f"{node.name} has a decorator", decorator, "only @always, for a property"
            )
    return bool(node.decorator_list)


def _add_property(overlay: Overlay, new: Function, taken: Collection[str]) -> None:
    shown = property_name(new.node.name)
    if new.node.name.startswith("_"):
        raise new.module.error(
            f"property {new.node.name} is private",
            new.node,
            "its name is what verdicts and tests say: no underscore in front",
        )
    if shown in taken or shown in RESERVED:
        raise new.module.error(
            f"property {new.node.name} would be called {shown}, and that name is taken",
            new.node,
            "every kernel is judged by that property already: call yours something else",
        )
    other = overlay.symbols.functions.get(new.name)
    if other is not None:
        raise new.module.error(
            f"property {new.name} has the name of {other.home}:{other.line}", new.node
        )
    if new.is_generator or new.params != ("st",):
        raise new.module.error(
            f"property {new.name} is not a plain function of the state",
            new.node,
            f"def {new.name}(st): ... returns whether it holds",
        )
    if not gives_value(new.node):
        raise new.module.error(
            f"property {new.name} does not say on every way whether it holds",
            new.node,
            "return 1 where it holds and 0 where it does not",
        )
    overlay.properties[new.name] = new


def _override(overlay: Overlay, new: Function) -> None:
    module, name = new.module, new.name
    baseline = overlay.symbols.sources.functions
    old = baseline.get(name)
    if old is None:
        raise module.error(
            f"{name} is not a function of the baseline",
            new.node,
            did_you_mean(name, baseline) or "a helper of your own starts with an underscore",
        )
    if name in overlay.symbols.sources.judges:
        raise module.error(
            f"{name} judges kernels: no design may replace it",
            new.node,
            "NOT_PROMISED names what a design does not claim",
        )
    if name in overlay.overrides:
        other = overlay.overrides[name]
        raise module.error(
            f"{name} is replaced twice: here and in {other.home}:{other.line}",
            new.node,
            "leave one of the two parts out",
        )
    if new.params != old.params:
        raise module.error(
            f"{new.signature} does not match the baseline's {old.signature}",
            new.node,
            f"see {old.home}:{old.line}",
        )
    if new.is_generator != old.is_generator:
        if new.is_generator:
            hint = "its callers run it in one step: override the callers that must stop, instead"
        else:
            hint = 'its callers say `yield from`: keep a `yield "label"` where others may run'
        raise module.error(
            f"{name} is {new.colour} here and {old.colour} in {old.home}:{old.line}",
            new.node,
            hint,
        )
    if gives_value(old.node) and not gives_value(new.node):
        raise module.error(
            f"{name} does not always return a value, and the baseline's does",
            new.node,
            f"see {old.home}:{old.line}",
        )
    overlay.overrides[name] = new
    overlay.symbols.functions[name] = new


def _check_all(overlay: Overlay) -> None:
    """Check the language of every function; the baseline's once."""
    emitted(overlay.symbols.sources)
    own = {**overlay.overrides, **overlay.private, **overlay.properties}
    for function in own.values():
        check(function, overlay.symbols)
    for function in overlay.properties.values():
        _only_looks(function, overlay.symbols)


def _only_looks(judge: Function, symbols: Symbols) -> None:
    """A property looks at a state and leaves it as it is, and so does all that it calls."""
    todo, seen = [judge], {judge.name}
    while todo:
        function = todo.pop()
        for n in ast.walk(function.node):
            wrong: ast.expr
            if isinstance(n, ast.Attribute | ast.Subscript) and isinstance(n.ctx, ast.Store):
                wrong, does = n, f"writes {ast.unparse(n)}"
            elif not (isinstance(n, ast.Call) and isinstance(n.func, ast.Name)):
                continue
            elif n.func.id == "choose":
                wrong, does = n, "calls choose()"
            else:
                callee = symbols.functions.get(n.func.id)
                if callee is not None and callee.name not in seen:
                    seen.add(callee.name)
                    todo.append(callee)
                continue
            by = "it" if function is judge else f"{function.node.name}(), which it calls,"
            raise judge.module.error(
                f"property {judge.node.name} only looks at the state, but {by} {does}",
                wrong if function is judge else judge.node,
            )


JUDGED_BY_SEARCH = frozenset({"no-deadlock", "progress"})
RESERVED = frozenset({"model-bug", "witness", "counterexample"})


def property_name(function: str) -> str:
    """The property that a function judges, as people name it."""
    return function.removesuffix("_at_end").replace("_", "-")


def property_names(baseline: Baseline, sources: Sources) -> frozenset[str]:
    """The properties that every kernel is judged by: the names that NOT_PROMISED may hold.

    Those are the public functions of the file of properties, the bits PROP_* of st.broken, and what
    the search finds itself. explore/promises.py gives them their meaning.
    """
    names = {name.removeprefix("PROP_") for name in sources.constants if name.startswith("PROP_")}
    if baseline.properties is not None:
        judges = _public_functions(read(baseline.properties, False))
        names |= {name.removesuffix("_at_end") for name in judges}
    return frozenset(name.lower().replace("_", "-") for name in names) | JUDGED_BY_SEARCH


@lru_cache(maxsize=8)
def _public_functions(text: str) -> frozenset[str]:
    functions = (n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef))
    return frozenset(n.name for n in functions if not n.name.startswith("_"))


def _not_promised(overlay: Overlay, baseline: Baseline) -> frozenset[str]:
    names: set[str] = set()
    for module in (overlay.module, *overlay.parts.values()):
        for name in module.lists.get("NOT_PROMISED", ()):
            known = property_names(baseline, overlay.symbols.sources)
            if name not in known:
                raise module.error(
                    f"there is no property {name!r}",
                    module.list_nodes["NOT_PROMISED"],
                    did_you_mean(name, known) or f"the properties are {', '.join(sorted(known))}",
                )
            names.add(name)
    return frozenset(names)
