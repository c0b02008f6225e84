"""Frames: how a guest tells the host what happens (guest/frames.h has the format).

A serial port carries lines of the kernel's console, too, and a machine that dies stops in the
middle of a line. So a frame is found anywhere in a line, and one whose checksum does not fit never
happened.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Frame", "FrameReader", "write_frame"]

_FRAME = re.compile(rb"(@PF ([a-z]+) (-?\d+) ([A-Za-z0-9+/=]+|-)) ([0-9a-f]{8})\b")
# A line longer than this holds no frame: the guest's are some 2 kB long.
_LONGEST = 64 * 1024


@dataclass(frozen=True)
class Frame:
    """One thing that a guest said."""

    kind: str
    job: int
    """The job's number; -1 where none runs."""
    payload: bytes

    @property
    def text(self) -> str:
        """The payload as text."""
        return self.payload.decode(errors="replace")


def write_frame(frame: Frame) -> bytes:
    """A frame as the guest writes it."""
    payload = base64.b64encode(frame.payload) or b"-"
    head = b"@PF %s %d %s" % (frame.kind.encode(), frame.job, payload)
    return b"\n%s %08x\n" % (head, zlib.crc32(head))


class FrameReader:
    """Finds frames in a stream of bytes that comes in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_LONGEST:]
        for line in lines:
            for match in _FRAME.finditer(line):
                frame = _decode(match)
                if frame is not None:
                    yield frame


def _decode(match: re.Match[bytes]) -> Frame | None:
    head, kind, job, payload, checksum = match.groups()
    if zlib.crc32(head) != int(checksum, 16):
        return None
    try:
        content = b"" if payload == b"-" else base64.b64decode(payload, validate=True)
    except binascii.Error:
        return None
    return Frame(kind.decode(), int(job), content)
