"""The text that an answer goes through: a file of the package, and all that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PACKAGE", "with_imports"]

PACKAGE = Path(__file__).resolve().parents[1]


def with_imports(
    *modules: str, package: Path = PACKAGE, without: tuple[str, ...] = ()
) -> list[Path]:
    """The files of these modules (`conform.run`) and of all that they import, and so on, sorted.

    Modules `without` change nothing that matters: they and what only they import do not count.
    """
    found: set[Path] = set()
    left = list(modules)
    while left:
        module = left.pop()
        path = _file(module, package)
        if path is not None and path not in found and module not in without:
            found.add(path)
            left += _imported(path)
    return sorted(found)


def _file(module: str, package: Path) -> Path | None:
    """The file of a module; None if a name is not one, but stands in one."""
    place = package.joinpath(*module.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)


def _imported(path: Path) -> Iterator[str]:
    """What the file imports of the package, at its top or in a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path}: a relative import"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == "pagefault" and rest:
                yield rest
