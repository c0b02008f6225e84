"""The arrows of ARCHITECTURE.md: which layer may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "pagefault"

# A layer and the layers that it stands on; it may import those and all that they stand on.
ARROWS = {
    "consts": "",
    "errors": "",
    "verdict": "errors",
    "layout": "consts",
    "hw": "layout",
    "mm": "hw",
    "designs": "mm",
    "link": "designs errors",
    "jit": "link layout errors",
    "lang": "errors verdict",
    "explore": "link jit lang",
    "mutate": "explore",
    "report": "explore",
    "sources": "",
    "store": "link lang errors sources",
    "campaign": "report store",
    "cli": "report explore mutate campaign live conform cost viewer memory",
    # Where the two answers meet; neither side may know of it.
    "conform": "explore live store",
    # A kernel's answer must not be able to lean on the model's.
    "live": "lang verdict errors",
    # For applications: it needs nothing of the model.
    "memory": "",
    # It prices what a kernel does, not what the model thinks; live has the C compiler, jit makes
    # machine code of its simulator.
    "cost": "live jit",
    "viewer": "report",
}
MODEL = {"consts", "layout", "hw", "mm", "designs", "link", "jit", "explore"}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def allowed(layer: str) -> set[str]:
    below = set(ARROWS[layer].split())
    return below.union({layer}, *(allowed(other) for other in below))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a file imports, at its top or inside functions."""
    package = ["pagefault", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            for alias in node.names:
                yield node.lineno, ".".join([*start, *filter(None, [node.module]), alias.name])


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path: Path) -> None:
    layer = layer_of(path)
    if layer in {"__init__", "__main__"}:
        return
    assert layer in ARROWS, f"{layer} is a new layer: give it a row in ARROWS, and in ARCHITECTURE"
    for line, name in imported(path):
        head, _, rest = name.partition(".")
        if head == "pagefault":
            target = rest.partition(".")[0]
            assert target in allowed(layer), f"{path}:{line}: {layer} must not import {name}"


def test_numba_is_imported_in_jit_only() -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for path in SOURCES
        for _, name in imported(path)
        if name.partition(".")[0] in {"numba", "llvmlite"}
    }
    assert users <= {"jit.py"}


def test_cost_uses_nothing_of_the_model() -> None:
    for path in (PACKAGE / "cost").glob("*.py"):
        for line, name in imported(path):
            head, _, rest = name.partition(".")
            uses = rest.partition(".")[0] if head == "pagefault" else ""
            assert uses not in MODEL - {"jit"}, f"{path}:{line}: {name}"


@pytest.mark.parametrize("layer", ["lang", "live"])
def test_layer_loads_nothing_of_the_model(layer: str) -> None:
    code = (
        f"import sys, pagefault.{layer}; print(*(m for m in sys.modules if m.startswith('pagefa')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert f"pagefault.{layer}" in loaded
    assert not {name.split(".")[1] for name in loaded if "." in name} & MODEL
