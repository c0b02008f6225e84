"""What a test may do to a kernel, or to the machine under it, for good.

Such a test runs in virtual machines only, whether its header says so or one of its verbs does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pagefault.lang.program import Program

__all__ = ["DANGERS", "danger_of"]

DANGERS: Mapping[str, str] = MappingProxyType(
    {
        "poison": "it takes frames out of use until the next boot",
        "soft_offline": "it takes frames out of use until the next boot",
        "vmstat": "it counts what any process does, and what is split stays so until the next boot",
    }
)
"""By verb."""


def danger_of(program: Program) -> str | None:
    """What the header says, or of one of its verbs; None if it is for any machine."""
    if program.header.danger is not None:
        return program.header.danger
    verbs = (s.verb for task in program.tasks for s in task.statements)
    return next((DANGERS[verb] for verb in verbs if verb in DANGERS), None)
