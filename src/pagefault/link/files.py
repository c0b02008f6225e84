"""The folder of emitted functions: one file each, named by a hash, written once, then imported.

The hash covers the file's text, which holds the hashes of all that it imports, the constants that
it uses, and the emitter's version. So a file never goes stale, and kernels share what they have in
common. The modules belong to a package `pagefault_kernel` whose folder this is; jit.py keeps their
compiled twins in another, by the same rule.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs

from pagefault.errors import PagefaultError
from pagefault.link.emit import VERSION

KERNEL = "kernel"


def folder(kind: str = KERNEL) -> Path:
    """Where emitted functions are kept: under PAGEFAULT_CACHE, or in the user's cache folder."""
    base = os.environ.get("PAGEFAULT_CACHE") or platformdirs.user_cache_dir("pagefault")
    return Path(base) / kind


def module_name(function: str, text: str, made_by: str = str(VERSION)) -> str:
    """The name of the module that holds this text, made under these versions and options."""
    digest = hashlib.sha256(f"{made_by}\n{text}".encode()).hexdigest()
    return f"{function}_{digest[:16]}"


def load(name: str, function: str, text: str, kind: str = KERNEL) -> Callable[..., Any]:
    """The function in a module of this name and text. What it imports must be loaded already."""
    full = f"pagefault_{kind}.{name}"
    module = sys.modules.get(full)
    if module is None:
        file = write(name, text, kind)
        _package(f"pagefault_{kind}", file.parent)
        spec = importlib.util.spec_from_file_location(full, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[full]
            raise
    loaded: Callable[..., Any] = getattr(module, function)
    return loaded


def write(name: str, text: str, kind: str = KERNEL) -> Path:
    """Put a file into the folder, unless it is there. A damaged one is replaced."""
    file = folder(kind) / f"{name}.py"
    try:
        if file.read_text(encoding="utf-8") == text:
            return file
    except (OSError, UnicodeDecodeError):
        pass  # not there, or not readable: written below
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=file.parent, prefix=".new-", delete=False
        ) as f:
            f.write(text)
        Path(f.name).replace(file)
    except OSError as e:
        raise PagefaultError(
            f"{file.parent}: cannot write the linked kernel: {e.strerror}\n"
            "hint: set PAGEFAULT_CACHE to a folder of yours"
        ) from None
    return file


def _package(name: str, path: Path) -> None:
    package = sys.modules.get(name)
    if package is None:
        package = ModuleType(name, "Linked kernel functions, one module each.")
        package.__path__ = []
        sys.modules[name] = package
    if str(path) not in package.__path__:
        package.__path__.append(str(path))
