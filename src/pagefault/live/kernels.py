"""Kernel images: those in the store, how one is added, and how a name finds one.

The store is the folder `kernels` in the cache (PAGEFAULT_CACHE, or the user's), or the folder that
PAGEFAULT_KERNELS names. An image is a folder in it: `vmlinuz`, `image.json`, and `modules/` with
the modules that guests may need, unpacked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from pagefault.live.errors import KernelError
from pagefault.live.modules import store_modules

__all__ = ["Image", "add", "find", "images", "release_of", "remove", "store"]

# The boot header, Documentation/arch/x86/boot.rst.
_BOOT_FLAG = 0x1FE
_HEADER = 0x202
_KERNEL_VERSION = 0x20E
_XLOADFLAGS = 0x236
_SIXTY_FOUR_BIT = 1
_HEADER_BYTES = 64 * 1024

# The kernel that runs here goes by this name elsewhere.
HOST = "host"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]*")


@dataclass(frozen=True)
class Image:
    """A kernel that can be booted."""

    name: str
    release: str
    """What uname -r will say."""
    path: Path
    """The boot image."""
    modules: Path | None
    """A flat folder of unpacked modules; None if there are none."""
    source: str
    """Where it came from: a path, or a package with its suite."""


def store() -> Path:
    """The folder of images."""
    named = os.environ.get("PAGEFAULT_KERNELS")
    if named:
        return Path(named)
    base = os.environ.get("PAGEFAULT_CACHE") or platformdirs.user_cache_dir("pagefault")
    return Path(base) / "kernels"


def release_of(path: Path) -> str:
    """The release string in the header of a Linux boot image (bzImage) for x86-64.

    Raises KernelError for anything else.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
    except OSError as error:
        raise KernelError(f"{path}: {error.strerror}") from None
    if head[:4] == b"\x7fELF":
        raise KernelError(
            f"{path}: an ELF file, not a boot image", "name arch/x86/boot/bzImage, not vmlinux"
        )
    if head[_BOOT_FLAG : _BOOT_FLAG + 2] != b"\x55\xaa" or head[_HEADER : _HEADER + 4] != b"HdrS":
        raise KernelError(
            f"{path}: not a Linux boot image for x86", "name a bzImage, as /boot/vmlinuz-* is one"
        )
    (flags,) = struct.unpack_from("<H", head, _XLOADFLAGS)
    if not flags & _SIXTY_FOUR_BIT:
        raise KernelError(f"{path}: a 32-bit kernel; jobs are 64-bit programs")
    (pointer,) = struct.unpack_from("<H", head, _KERNEL_VERSION)
    text = head[pointer + 0x200 :].partition(b"\0")[0] if pointer else b""
    words = text.decode("ascii", errors="replace").split()
    if not words:
        raise KernelError(f"{path}: its header does not say which release it is")
    return words[0]


def images() -> list[Image]:
    """The images in the store, by name."""
    folder = store()
    if not folder.is_dir():
        return []
    found = (_read(path) for path in sorted(folder.iterdir()) if path.is_dir())
    return [image for image in found if image is not None]


def _read(folder: Path) -> Image | None:
    """The image in a folder of the store; None where a folder holds no whole image."""
    try:
        told = json.loads((folder / "image.json").read_text())
        image = Image(
            name=str(told["name"]),
            release=str(told["release"]),
            path=folder / "vmlinuz",
            modules=folder / "modules" if (folder / "modules").is_dir() else None,
            source=str(told["source"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return image if image.path.is_file() and image.name == folder.name else None


def find(name: str) -> Image:
    """The image of this name in the store, or the boot image at this path.

    Raises KernelError if there is neither.
    """
    if _NAME.fullmatch(name):
        image = _read(store() / name)
        if image is not None:
            return image
    path = Path(name)
    if path.is_file():
        return Image(path.name, release_of(path), path.resolve(), None, str(path))
    known = ", ".join(image.name for image in images()) or "none yet"
    raise KernelError(
        f"no kernel image {name!r}",
        f"there are: {known}; `pagefault kernels fetch` and `pagefault kernels add` bring more",
    )


def add(
    path: Path, name: str | None = None, modules: Path | None = None, source: str | None = None
) -> Image:
    """Copy a boot image, and of a modules tree what guests may need, into the store.

    The name is the release if none is given. An image of the same name is replaced. Raises
    KernelError if `path` is no boot image, or `modules` holds modules of another release.
    """
    release = release_of(path)
    name = release if name is None else name
    if not _NAME.fullmatch(name) or name == HOST:
        raise KernelError(f"{name!r} is no name for an image", "use letters, digits and . _ + ~ -")
    tree = None if modules is None else _modules_of(modules, release)
    folder = store() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Put together elsewhere: whoever looks meanwhile sees the old image or the new one.
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as made:
        new = Path(made) / name
        new.mkdir()
        shutil.copyfile(path, new / "vmlinuz")
        if tree is not None:
            store_modules(tree, new / "modules")
        told = {"name": name, "release": release, "source": source or str(path.resolve())}
        (new / "image.json").write_text(json.dumps(told, indent=1) + "\n")
        if folder.exists():
            folder.rename(Path(made) / "old")
        new.rename(folder)
    image = _read(folder)
    assert image is not None
    return image


def _modules_of(folder: Path, release: str) -> Path:
    """Where the modules of a release stand: a folder of its name below the one given, or that."""
    if not folder.is_dir():
        raise KernelError(f"{folder}: no folder of modules", "as /lib/modules/RELEASE is one")
    for below in (folder, folder / "lib" / "modules", folder / "usr" / "lib" / "modules"):
        if (below / release).is_dir():
            return below / release
    named = folder.resolve().name
    if re.match(r"\d+\.\d+", named) and named != release:
        raise KernelError(f"{folder}: modules of {named}, but the image is {release}")
    return folder


def remove(name: str) -> None:
    """Take an image out of the store. Raises KernelError if it is not there."""
    folder = store() / name
    if not _NAME.fullmatch(name) or _read(folder) is None:
        raise KernelError(f"no kernel image {name!r} in the store")
    shutil.rmtree(folder)


def as_json(image: Image) -> dict[str, object]:
    """The fields of an image for a JSON document."""
    told = asdict(image)
    told["path"] = str(image.path)
    told["modules"] = sorted(p.stem for p in image.modules.glob("*.ko")) if image.modules else []
    return told
