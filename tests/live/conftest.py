"""A store of images of the test's own, and boot images that are none."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAGEFAULT_KERNELS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def boot_image(tmp_path: Path) -> Callable[..., Path]:
    """Makes a file with the header of a bzImage (Documentation/arch/x86/boot.rst)."""

    def make(release: str = "6.12.1-mine", name: str = "bzImage", flags: int = 1) -> Path:
        head = bytearray(8192)
        head[0x1FE:0x200] = b"\x55\xaa"
        head[0x202:0x206] = b"HdrS"
        struct.pack_into("<H", head, 0x20E, 0x1000 - 0x200)
        struct.pack_into("<H", head, 0x236, flags)
        text = f"{release} (me@here) #1 SMP\0".encode()
        head[0x1000 : 0x1000 + len(text)] = text
        path = tmp_path / name
        path.write_bytes(head)
        return path

    return make
