"""The text that an answer goes through: a file of the package, and all that it imports."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

__all__ = ["PACKAGE", "digest", "files_hash", "sources_hash", "with_imports"]

PACKAGE = Path(__file__).resolve().parent


@cache
def sources_hash(modules: tuple[str, ...], without: tuple[str, ...] = ()) -> str:
    """The hash of modules and of all that they import."""
    return files_hash(with_imports(*modules, package=PACKAGE, without=without))


def files_hash(files: Iterable[Path]) -> str:
    """The hash of files of the package, with their names."""
    return digest(f"{f.relative_to(PACKAGE)}\n{f.read_text(encoding='utf-8')}" for f in files)


def digest(texts: Iterable[str]) -> str:
    """A hash of texts that no other cut of the same letters has."""
    found = hashlib.sha256()
    for text in texts:
        data = text.encode()
        found.update(b"%d\n" % len(data))
        found.update(data)
    return found.hexdigest()[:32]


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
