"""The initramfs of a guest: /init, the jobs, their modules, and what to do with them.

An archive in cpio's "newc" format, written here, so that neither root nor a tool is needed
(Documentation/driver-api/early-userspace/buffer-format.rst). It is not compressed: under plain
emulation, unpacking would cost more than it saves.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import platformdirs

from pagefault.live.errors import VmError

__all__ = ["Entry", "cpio", "guest_init", "manifest"]

_NEWC = "070701"
_TRAILER = "TRAILER!!!"
_SOURCES = ("init.c", "features.h", "frames.h")
_FLAGS = ("-static", "-O1", "-s", "-Wall", "-Wextra")


@dataclass(frozen=True)
class Entry:
    """A file, or a folder if it has no content."""

    path: str
    """Without a leading slash."""
    content: bytes | None = None
    mode: int = 0o755


def cpio(entries: Iterable[Entry]) -> bytes:
    """The archive of these entries. Missing parent folders come by themselves."""
    out = bytearray()
    folders: set[str] = set()
    number = 0

    def put(path: str, mode: int, content: bytes) -> None:
        nonlocal number
        number += 1
        name = path.encode() + b"\0"
        # inode, mode, uid, gid, links, mtime, size, device (2), rdev (2), name size, check
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        out.extend((_NEWC + "".join(f"{field:08X}" for field in fields)).encode() + name)
        out.extend(bytes(-len(out) % 4) + content)
        out.extend(bytes(-len(out) % 4))

    def put_folder(path: str, mode: int) -> None:
        if path and path not in folders:
            put_folder(path.rpartition("/")[0], 0o755)
            folders.add(path)
            put(path, stat.S_IFDIR | mode, b"")

    for entry in entries:
        if entry.content is None:
            put_folder(entry.path, entry.mode)
        else:
            put_folder(entry.path.rpartition("/")[0], 0o755)
            put(entry.path, stat.S_IFREG | entry.mode, entry.content)
    put(_TRAILER, 0, b"")
    return bytes(out)


def manifest(
    modules: Sequence[str],
    sysctls: Mapping[str, str],
    disks: Mapping[str, str],
    lacks: Mapping[str, str],
    jobs: Sequence[str],
) -> bytes:
    """What /init does, line by line (guest/init.c obey()).

    `disks` maps `swap` or `files TYPE` to a disk's serial number; `lacks` says of features why the
    host could not provide them.
    """
    lines = [f"module /modules/{name}" for name in modules]
    lines += [_setting(name, value) for name, value in sysctls.items()]
    lines += [f"{use} {serial}" for use, serial in disks.items()]
    lines += [f"lacks {feature} {why}" for feature, why in lacks.items()]
    lines += ["features", *jobs]
    return "".join(f"{line}\n" for line in lines).encode()


def _setting(name: str, value: str) -> str:
    """A sysctl by its name; another setting by its file, which a kernel may lack."""
    return f"set {name} {value}" if name[0] == "/" else f"sysctl {name.replace('.', '/')} {value}"


def compiler() -> list[str]:
    """A C compiler that can link statically, as the start of a command.

    The system's, or the one in the Python package ziglang. Raises VmError if there is neither.
    """
    named = os.environ.get("CC")
    for name in [named] if named else ["cc", "gcc", "clang"]:
        found = shutil.which(name)
        if found:
            return [found]
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl"]
    raise VmError(
        f"no C compiler {named!r}" if named else "no C compiler here",
        "Debian: apt install gcc libc6-dev; or pip install ziglang",
    )


def guest_init() -> bytes:
    """The program /init, compiled once for its text and kept in the cache."""
    folder = resources.files("pagefault.live") / "guest"
    texts = {name: (folder / name).read_text() for name in _SOURCES}
    command = compiler()
    recipe = "\0".join([*command, *_FLAGS, *texts.values()])
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    base = os.environ.get("PAGEFAULT_CACHE") or platformdirs.user_cache_dir("pagefault")
    kept = Path(base) / "guest" / f"init_{digest}"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as made:
            for name, text in texts.items():
                (Path(made) / name).write_text(text)
            _compile(command, Path(made))
            (Path(made) / "init").replace(kept)
    return kept.read_bytes()


def _compile(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        [*command, *_FLAGS, "-o", "init", "init.c"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        first = done.stderr.strip().partition("\n")[0] or f"exit code {done.returncode}"
        raise VmError(
            f"the C compiler can't make the guest's /init: {first}",
            "a static C library is needed; Debian: apt install libc6-dev",
        )
