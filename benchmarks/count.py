"""A breadth-first count of states and steps: small, plain, and slow."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

__all__ = ["count"]

S = TypeVar("S", bound=Hashable)


def count(initial: S, successors: Callable[[S], Iterable[S]]) -> tuple[int, int]:
    """How many states can be reached, and how many steps leave them."""
    seen = {initial}
    level = [initial]
    transitions = 0
    while level:
        found = []
        for state in level:
            for successor in successors(state):
                transitions += 1
                if successor not in seen:
                    seen.add(successor)
                    found.append(successor)
        level = found
    return len(seen), transitions
