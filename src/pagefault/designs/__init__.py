"""Alternative kernels, one file each; the folder is the registry."""

from collections.abc import Callable
from typing import Any


def always(holds: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Marks a function of a design as a property of its own: `def name(st)`, true where it holds.

    It is judged in every state, under its name with dashes. The linker reads the source for it.
    """
    return holds
