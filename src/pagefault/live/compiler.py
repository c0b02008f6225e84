"""C text to a static binary, kept by hash in the user's cache folder."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from pagefault.errors import LiveError

__all__ = ["build", "compiler", "folder"]

WARNINGS = ("-Wall", "-Wextra")
STATIC = "-static"
PATIENCE_S = 300
"""A compiler that takes longer is stuck."""


def folder() -> Path:
    """Where binaries are kept: under PAGEFAULT_CACHE, or in the user's cache folder."""
    base = os.environ.get("PAGEFAULT_CACHE") or platformdirs.user_cache_dir("pagefault")
    return Path(base) / "live"


def compiler() -> tuple[str, ...]:
    """The command that compiles C: $CC, else cc, else ziglang's. LiveError if there is none."""
    if words := shlex.split(os.environ.get("CC", "")):
        if shutil.which(words[0]) is None:
            raise LiveError(f"CC names {words[0]}, and there is no such command")
        return tuple(words)
    if found := shutil.which("cc"):
        return (found,)
    if importlib.util.find_spec("ziglang") is not None:
        return (
            sys.executable,
            "-m",
            "ziglang",
            "cc",
            "-target",
            f"{os.uname().machine}-linux-musl",
        )
    raise LiveError(
        "there is no C compiler: neither $CC, nor cc in PATH, nor the Python package ziglang",
        hint="install gcc or clang and a static C library, or: pip install ziglang",
    )


def build(text: str, options: Sequence[str] = ("-O1",)) -> Path:
    """The static binary of a C program, compiled unless it is in the cache. Else LiveError."""
    command = (*compiler(), *options, *WARNINGS, STATIC)
    digest = hashlib.sha256("\n".join((*command, text)).encode()).hexdigest()[:24]
    binary = folder() / digest
    if binary.is_file():
        return binary
    try:
        binary.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=binary.parent, prefix=".new-") as scratch:
            new = Path(scratch)
            source = new / "test.c"
            source.write_text(text, encoding="utf-8")
            _compile((*command, "-o", str(new / "test"), str(source)))
            (new / "test").replace(binary)
    except OSError as error:
        raise LiveError(
            f"cannot keep what was compiled: {error.strerror or error}",
            binary.parent,
            hint="set PAGEFAULT_CACHE to a folder of yours",
        ) from None
    return binary


def _compile(command: Sequence[str]) -> None:
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise LiveError(f"{command[0]} did not finish within {PATIENCE_S} s") from None
    if result.returncode != 0:
        said = "\n".join(result.stderr.strip().splitlines()[:20])
        hint = None
        if "cannot find -l" in said:
            hint = "a static C library is wanted: Debian's libc6-dev has it; or pip install ziglang"
        raise LiveError(f"{command[0]} failed:\n{said}", hint=hint)
