"""Kernel modules: which files a guest needs, in an order that loads.

Dependencies are read from the modules themselves (the section .modinfo, include/linux/module.h),
for a distribution's package holds no modules.dep before it is installed. In a store, modules lie
flat in one folder, unpacked, one `name.ko` each.
"""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from pagefault.live.errors import KernelError

__all__ = ["BUILTIN", "KEPT", "load_order", "modinfo", "store_modules", "unpacked"]

# What jobs may ask for, by the names of their files. Most kernels have some of them built in.
KEPT = (
    "virtio_pci",
    "virtio_blk",
    "virtio_console",
    "ext4",
    "crc32c_generic",
    "crc32c_intel",
    "crc32c_cryptoapi",
    "xfs",
    "btrfs",
    "zram",
    "loop",
    "brd",
    "null_blk",
    "nvme",
    "userfaultfd",
    "vfio",
    "vfio_pci",
    "vfio_iommu_type1",
    "dm_mod",
)

BUILTIN = "builtin"
_MODULE = re.compile(r"\.ko(\.(xz|gz|zst))?$")
_FIELD = re.compile(rb"(?:^|\0)(depends|softdep|alias|name)=([^\0]*)(?=\0)")


def plain(name: str) -> str:
    """A module's name as the kernel has it: `crc32c-intel` is `crc32c_intel`."""
    return name.replace("-", "_")


def modinfo(module: bytes) -> dict[str, list[str]]:
    """The fields `depends`, `softdep`, `alias` and `name` of an unpacked module's .modinfo."""
    fields: dict[str, list[str]] = {"depends": [], "softdep": [], "alias": [], "name": []}
    for key, value in _FIELD.findall(module):
        fields[key.decode()].append(value.decode(errors="replace"))
    return fields


def wanted_first(fields: dict[str, list[str]]) -> Iterator[str]:
    """The modules or aliases that must be loaded before: `depends`, and `softdep=pre: ...`."""
    for text in fields["depends"]:
        yield from (plain(name) for name in text.split(",") if name)
    for text in fields["softdep"]:
        before = text.partition("post:")[0].partition("pre:")[2]
        yield from (plain(name) for name in before.split())


def unpacked(path: Path) -> bytes:
    """A module file's bytes, decompressed. Raises KernelError where a tool for that is missing."""
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".gz":
        import gzip

        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zst":
        tool = shutil.which("zstd")
        if tool is None:
            raise KernelError(f"{path}: no zstd here to unpack it", "install the package zstd")
        done = subprocess.run([tool, "-dcq", str(path)], capture_output=True, check=False)
        if done.returncode != 0:
            raise KernelError(f"{path}: zstd can't unpack it")
        return done.stdout
    return path.read_bytes()


def files_by_name(folder: Path) -> dict[str, Path]:
    """Every module below a folder, by the kernel's name for it."""
    found = {}
    for path in sorted(folder.rglob("*.ko*")):
        if _MODULE.search(path.name) and path.is_file():
            found[plain(_MODULE.sub("", path.name))] = path
    return found


def store_modules(source: Path, target: Path, names: Iterable[str] = KEPT) -> list[str]:
    """Copy modules and all that they need from a modules tree into a flat folder, unpacked.

    Returns the names stored. A name that the tree lacks is left out: it may be built in.
    """
    files = files_by_name(source)
    _store_builtin(source, target)
    stored: list[str] = []
    todo = [plain(name) for name in names]
    while todo:
        name = todo.pop()
        if name in stored or name not in files:
            continue
        content = unpacked(files[name])
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{name}.ko").write_bytes(content)
        stored.append(name)
        todo += wanted_first(modinfo(content))
    return sorted(stored)


def _store_builtin(source: Path, target: Path) -> None:
    """Keep the names of what is built in, a line each, where the tree has a list of it."""
    lists = sorted(source.rglob("modules.builtin"))
    if lists:
        names = (plain(Path(line).stem) for line in lists[0].read_text().split())
        target.mkdir(parents=True, exist_ok=True)
        (target / BUILTIN).write_text("".join(f"{name}\n" for name in sorted(names)))


def load_order(folder: Path | None, names: Iterable[str]) -> list[Path]:
    """The files of a flat folder to load for these modules, each after what it needs.

    A name that is not there, under its own name or an alias, is left out: it may be built in.
    """
    if folder is None or not folder.is_dir():
        return []
    fields = {path.stem: modinfo(path.read_bytes()) for path in sorted(folder.glob("*.ko"))}
    named = {
        plain(alias): name for name, info in reversed(fields.items()) for alias in info["alias"]
    }
    order: list[str] = []
    entered: set[str] = set()

    def enter(name: str) -> None:
        name = name if name in fields else named.get(name, name)
        if name in entered or name not in fields:
            return
        entered.add(name)
        for before in wanted_first(fields[name]):
            enter(before)
        order.append(name)

    for name in names:
        enter(plain(name))
    return [folder / f"{name}.ko" for name in order]
