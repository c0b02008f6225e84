"""QEMU: its command line, its disks, and whether KVM can be trusted here."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pagefault.live.errors import VmError

__all__ = [
    "RECORDER_PORT",
    "Machine",
    "command",
    "make_files_disk",
    "make_swap_disk",
    "qemu",
    "remembered_kvm",
]

QEMU = "qemu-system-x86_64"
SWAP_BYTES = 256 << 20
FILES_BYTES = 256 << 20
PAGE = 4096
RECORDER_PORT = 0xE9
"""As in templates/turns.c. It reads as its number."""

# What each kernel is told. A panic, and an oops with it, ends the machine at once; the console
# shows warnings only, for each character costs time under emulation.
KERNEL_ARGUMENTS = (
    "console=ttyS0",
    "rdinit=/init",
    "panic=-1",
    "oops=panic",
    "loglevel=4",
    "random.trust_cpu=on",
    # memfd_secret() was off by default before 6.5; memory.swap.* before 5.19.
    "secretmem.enable=1",
    "swapaccount=1",
)


@dataclass(frozen=True)
class Machine:
    """The hardware of a guest."""

    accel: str = "tcg"
    """tcg or kvm."""
    cpus: int = 2
    memory_mb: int = 1024
    nodes: int = 1
    """NUMA nodes: CPUs and memory are dealt out evenly."""


def qemu() -> str:
    """The path of QEMU. Raises VmError where there is none."""
    found = shutil.which(QEMU)
    if found is None:
        raise VmError(
            f"no {QEMU} here, and a kernel image runs in it",
            "Debian: apt install qemu-system-x86",
        )
    return found


def command(
    machine: Machine,
    kernel: Path,
    initramfs: Path,
    console: Path,
    recorder: Path,
    disks: Mapping[str, Path],
    append: str = "",
) -> list[str]:
    """The command that boots a kernel.

    The console goes to a file, the second serial port, with the frames, to standard output; each
    byte that is written to RECORDER_PORT is in its file at once. `disks` maps a serial number to an
    image.
    """
    processor = "max" if machine.accel == "tcg" else "host"
    # A guest must not outlive whoever asked for it, however that ends.
    keeper = shutil.which("setpriv")
    line = [keeper, "--pdeathsig", "KILL"] if keeper else []
    line += [qemu(), "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot"]
    line += ["-machine", "pc", "-accel", machine.accel, "-cpu", processor]
    line += ["-smp", str(machine.cpus), "-m", f"{machine.memory_mb}M", *_nodes(machine)]
    line += ["-chardev", f"file,id=console,path={_escaped(console)}", "-serial", "chardev:console"]
    line += ["-chardev", "stdio,id=frames,signal=off", "-serial", "chardev:frames"]
    line += ["-chardev", f"file,id=recorder,path={_escaped(recorder)}"]
    line += ["-device", f"isa-debugcon,iobase={RECORDER_PORT:#x},chardev=recorder"]
    for serial, path in disks.items():
        drive = f"file={_escaped(path)},format=raw,if=none,id={serial},cache=unsafe"
        line += ["-drive", drive, "-device", f"virtio-blk-pci,drive={serial},serial={serial}"]
    line += ["-kernel", str(kernel), "-initrd", str(initramfs)]
    line += ["-append", " ".join([*KERNEL_ARGUMENTS, *append.split()])]
    return line


def _escaped(path: Path) -> str:
    """In QEMU's options a comma ends a value, and two stand for one."""
    return str(path).replace(",", ",,")


def _nodes(machine: Machine) -> list[str]:
    """The options that make NUMA nodes."""
    options: list[str] = []
    if machine.nodes < 2:
        return options
    share = machine.memory_mb // machine.nodes
    for node in range(machine.nodes):
        size = machine.memory_mb - share * (machine.nodes - 1) if node == 0 else share
        options += ["-object", f"memory-backend-ram,id=memory{node},size={size}M"]
        cpus = [f"cpus={cpu}" for cpu in range(machine.cpus) if cpu % machine.nodes == node]
        options += ["-numa", ",".join([f"node,nodeid={node},memdev=memory{node}", *cpus])]
    return options


def make_swap_disk(path: Path, size: int = SWAP_BYTES) -> None:
    """A sparse image with a swap header (union swap_header, include/linux/swap.h)."""
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(1024)
        # version, last_page, nr_badpages
        file.write(struct.pack("<III", 1, size // PAGE - 1, 0))
        file.seek(PAGE - 10)
        file.write(b"SWAPSPACE2")


def make_files_disk(path: Path, size: int = FILES_BYTES) -> str:
    """A sparse image with an ext4 file system. Returns "", or why it can't be made."""
    # A user's PATH may lack the folders where mke2fs stands.
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    tool = shutil.which("mke2fs", path=places)
    if tool is None:
        return "the host has no mke2fs to make a file system: Debian's package e2fsprogs"
    with path.open("wb") as file:
        file.truncate(size)
    done = subprocess.run(
        # Without a journal, and nothing left to be initialised while jobs run.
        [tool, "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=0", path],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else f"mke2fs on the host: {done.stderr.strip()[:200]}"


def remembered_kvm() -> tuple[Path, dict[str, bool]]:
    """The file that keeps what trials of KVM said, and what it says: a word per boot of the host.

    A KVM inside a virtual machine may accept a guest and then hang, so only a trial can tell.
    """
    base = os.environ.get("PAGEFAULT_CACHE") or platformdirs.user_cache_dir("pagefault")
    file = Path(base) / "guest" / "kvm.json"
    try:
        told = json.loads(file.read_text())
    except (OSError, ValueError):
        told = {}
    return file, told if isinstance(told, dict) else {}
