"""The kernel that `--kernel` names, as a backend."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pagefault.live import Backend

__all__ = ["HOST", "backend_of", "risk_option"]

HOST = "host"


F = TypeVar("F", bound=Callable[..., Any])


def risk_option(function: F) -> F:
    """`--risk-host`, for verbs that run tests on kernels."""
    return click.option(
        "--risk-host",
        is_flag=True,
        help="On the kernel that runs here, too, run tests that may crash it or leave marks that "
        "stay, as their headers (danger) or their verbs say.",
    )(function)


def backend_of(kernel: str, jobs: int = 1, risk_host: bool = False) -> Backend:
    """The host, or an image in QEMU: by its name in the store, or by its path.

    "6.12,lru_gen/enabled=0" writes into a file of /sys/kernel/mm first: here so that the LRU lists
    are the classic ones.
    `jobs` drivers at a time run on the host; with `risk_host`, what is dangerous, too. KernelError
    if there is no such kernel.
    """
    from pagefault.live import Host

    if kernel == HOST:
        return Host(jobs, risk_host)
    from pagefault.live.errors import KernelError
    from pagefault.live.kernels import find
    from pagefault.live.virtual import SETTINGS, Virtual
    from pagefault.live.vm import Options

    image, *settings = kernel.split(",")
    for setting in settings:
        if not re.fullmatch(r"\w[\w/-]*=\S+", setting):
            raise KernelError(
                f"{kernel}: {setting!r} is no setting", "FILE=TEXT, as in 6.12,lru_gen/enabled=0"
            )
    written = dict(setting.split("=", 1) for setting in settings)
    options = Options(sysctls={f"{SETTINGS}/{file}": text for file, text in written.items()})
    try:
        return Virtual(find(image), options)
    except KernelError as error:
        hint = f"host is the kernel that runs here; {error.hint}" if error.hint else None
        raise KernelError(error.message, hint) from None
