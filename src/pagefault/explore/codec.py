"""A state as a short byte string, exactly.

A state has some 2,500 leaves, of which a program uses a few hundred. The codec packs the leaves
that were ever seen to be non-zero, in the order in which they were first seen, and cuts trailing
zero bytes. When a new leaf comes into use it is appended; in all earlier states it was zero, so
their keys are already what they would be with the new leaf, and nothing has to be packed again.
Equal states have equal keys and different states different ones, always.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from operator import itemgetter

from pagefault.layout import LEAVES

__all__ = ["Codec", "MisfitError"]

_FORMAT = {"i1": "b", "i2": "h", "i4": "i", "i8": "q"}


class MisfitError(Exception):
    """A leaf holds a value outside its type: compiled code would compute something else."""


class Codec:
    """Packs and unpacks the flat lists of one search."""

    def __init__(self, leaves: Sequence[int]) -> None:
        """`leaves`: the initial state, whose non-zero leaves come into use first."""
        self._zeros = [0] * len(LEAVES)
        self.used: list[int] = []
        self._is_used = bytearray(len(LEAVES))
        self._get: Callable[[Sequence[int]], tuple[int, ...]]
        self._format: struct.Struct
        self._extend(leaves)

    def _extend(self, leaves: Sequence[int]) -> None:
        for i, value in enumerate(leaves):
            if value and not self._is_used[i]:
                self._is_used[i] = 1
                self.used.append(i)
        # Two leaves at least: itemgetter gives a tuple then.
        for i in range(len(LEAVES)):
            if len(self.used) >= 2:
                break
            if not self._is_used[i]:
                self._is_used[i] = 1
                self.used.append(i)
        self._get = itemgetter(*self.used)
        self._format = struct.Struct("<" + "".join(_FORMAT[LEAVES[i].code] for i in self.used))

    def encode(self, leaves: list[int]) -> bytes:
        """The key of a state. MisfitError if a value is outside its leaf's type."""
        values = self._get(leaves)
        if len(leaves) - leaves.count(0) != len(values) - values.count(0):
            self._extend(leaves)
            values = self._get(leaves)
        try:
            return self._format.pack(*values).rstrip(b"\0")
        except struct.error:
            raise MisfitError(self._misfit(values)) from None

    def _misfit(self, values: Sequence[int]) -> str:
        for i, value in zip(self.used, values, strict=True):
            leaf = LEAVES[i]
            half = 1 << (8 * int(leaf.code[1:]) - 1)
            if not -half <= value < half:
                return f"{leaf.path} = {value} does not fit {leaf.code}"
        raise AssertionError("every value fits")

    def decode(self, key: bytes) -> list[int]:
        """The flat list of a key that this codec made, at any time."""
        leaves = self._zeros.copy()
        values = self._format.unpack(key.ljust(self._format.size, b"\0"))
        for i, value in zip(self.used, values, strict=True):
            leaves[i] = value
        return leaves
