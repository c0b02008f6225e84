"""What a user can get wrong with kernel images and virtual machines."""

from __future__ import annotations

from pagefault.errors import PagefaultError

__all__ = ["KernelError", "VmError"]


class _HintedError(PagefaultError):
    """A sentence that says what is wrong, and a hint how to mend it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        return f"error: {self.message}" + (f"\nhint: {self.hint}" if self.hint else "")


class KernelError(_HintedError):
    """An image that is none, is not there, or can't be fetched."""


class VmError(_HintedError):
    """A virtual machine that can't be started, or a kernel that does not come up in it."""
