"""The kernel that `--kernel` names, as a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagefault.live import Backend

__all__ = ["HOST", "backend_of"]

HOST = "host"


def backend_of(kernel: str, jobs: int = 1) -> Backend:
    """The host, or an image in QEMU: by its name in the store, or by its path.

    `jobs` drivers at a time run on the host. KernelError if there is no such kernel.
    """
    from pagefault.live import Host

    if kernel == HOST:
        return Host(jobs)
    from pagefault.live.errors import KernelError
    from pagefault.live.kernels import find
    from pagefault.live.virtual import Virtual

    try:
        return Virtual(find(kernel))
    except KernelError as error:
        hint = f"host is the kernel that runs here; {error.hint}" if error.hint else None
        raise KernelError(error.message, hint) from None
