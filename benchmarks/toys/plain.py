"""The toys as Python successor functions: for minicheck, and to check the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["counters", "philosophers"]

State = tuple[int, ...]
Model = tuple[State, Callable[[State], Iterator[State]]]


def counters(n: int) -> Model:
    """`n` counters from 0 to 9."""

    def successors(state: State) -> Iterator[State]:
        for i, value in enumerate(state):
            if value < 9:
                yield (*state[:i], value + 1, *state[i + 1 :])

    return (0,) * n, successors


def philosophers(n: int) -> Model:
    """`n` dining philosophers, of whom the last takes his forks in the other order.

    0: thinks, 1: has his first fork, 2: has both; he puts both down at once.
    """
    last = n - 1

    def successors(p: State) -> Iterator[State]:
        for i, phase in enumerate(p):
            if phase == 0:
                if i in (0, last):
                    free = p[last - i] == 0
                else:
                    free = p[i - 1] != 2
            elif phase == 1:
                if i == last:
                    free = p[i - 1] != 2
                elif i == last - 1:
                    free = p[last] != 2
                else:
                    free = p[i + 1] == 0
            else:
                free = True
            if free:
                yield (*p[:i], (phase + 1) % 3, *p[i + 1 :])

    return (0,) * n, successors
